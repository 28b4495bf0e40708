"""Workers that die: at a named point, or anywhere."""

import time
from collections.abc import Callable

from chaos.crash_points import POINTS, Armed
from chaos.deployment import City
from chaos.run_scale import Scale


def crash_points(city: City, scale: Scale) -> int:
    """A worker dies at every crash point, each time some batches after another start."""
    for nth in range(1, scale.crashes + 1):
        for point in POINTS:
            fall_into(city, Armed(point, nth), scale.slice // 4)
            city.trap.disarm()
            if city.random.random() < 0.5:
                city.await_counted()
    return scale.crashes * len(POINTS)


def fall_into(city: City, armed: Armed, events: int) -> int:
    """Arm the point and keep the workers busy until one of them comes to it; returns its pid."""
    city.trap.arm(armed)

    def fallen() -> bool:
        city.send(events)
        if armed.point == "rebalance":
            _provoke_rebalance(city)
        time.sleep(city.random.uniform(0, 0.5))
        return city.trap.victim is not None

    city.await_true(fallen, f"a worker to come to {armed.point}")
    assert city.trap.victim is not None
    return city.trap.victim


def _provoke_rebalance(city: City) -> None:
    """Whoever comes or goes makes the others give up their partitions."""
    helper = city.start_worker()
    city.await_true(
        lambda: city.trap.victim is not None or city.is_member(helper), f"{helper} to come, or to fall into the trap"
    )
    city.remove_worker(helper)


def workers_killed(city: City, scale: Scale) -> int:
    """SIGKILL for a worker at any moment."""
    return _killed(city, scale.kills, scale.slice, city.a_worker)


def brokers_killed(city: City, scale: Scale) -> int:
    """SIGKILL for the broker, between and while events are published and counted."""
    return _killed(city, scale.broker_kills, 2 * scale.slice, lambda: "kafka")


def clickhouse_killed(city: City, scale: Scale) -> int:
    """SIGKILL for ClickHouse while the rows of an insert are on their way to it."""
    for _ in range(scale.clickhouse_kills):

        def kill() -> bool:
            time.sleep(city.random.uniform(0, 0.02))
            city.kill("clickhouse")
            return False

        with city.inserts.ambush("sending", kill) as sprung:
            city.send(scale.slice)
            city.await_true(sprung.is_set, "an insert")
        city.await_recovered()
    return scale.clickhouse_kills


def _killed(city: City, times: int, events: int, choose: Callable[[], str]) -> int:
    for _ in range(times):
        city.send(events)
        time.sleep(city.random.uniform(0, 1))
        city.kill(choose())
        city.send(events // 4)
        city.await_recovered()
        # Half of the time everything is counted before the next one, else a crash meets the mending of the last.
        if city.random.random() < 0.5:
            city.await_counted()
    return times
