"""Workers that are killed, at a crash point or at any moment."""

import time
from collections.abc import Callable

from chaos.crash_points import POINTS, Armed
from chaos.deployment import Deployment
from chaos.run_scale import Scale


def crash_points(deployment: Deployment, scale: Scale) -> int:
    """A worker dies at every crash point, each time some batches after another start."""
    for nth in range(1, scale.crashes + 1):
        for point in POINTS:
            fall_into(deployment, Armed(point, nth), scale.slice // 4)
            deployment.trap.disarm()
            if deployment.random.random() < 0.5:
                deployment.await_counted()
    return scale.crashes * len(POINTS)


def fall_into(deployment: Deployment, armed: Armed, events: int) -> int:
    """Arm the point and keep the workers busy until one of them comes to it; returns its pid."""
    deployment.trap.arm(armed)

    def fallen() -> bool:
        deployment.send(events)
        if armed.point == "rebalance":
            _provoke_rebalance(deployment)
        time.sleep(deployment.random.uniform(0, 0.5))
        return deployment.trap.victim is not None

    deployment.await_true(fallen, f"a worker to come to {armed.point}")
    assert deployment.trap.victim is not None
    return deployment.trap.victim


def _provoke_rebalance(deployment: Deployment) -> None:
    """Whoever comes or goes makes the others give up their partitions."""
    helper = deployment.start_worker()
    deployment.await_true(
        lambda: deployment.trap.victim is not None or deployment.is_member(helper),
        f"{helper} to come, or to fall into the trap",
    )
    deployment.remove_worker(helper)


def workers_killed(deployment: Deployment, scale: Scale) -> int:
    """SIGKILL for a worker at any moment."""
    return _killed(deployment, scale.kills, scale.slice, deployment.a_worker)


def brokers_killed(deployment: Deployment, scale: Scale) -> int:
    """SIGKILL for the broker, between and while events are published and counted."""
    return _killed(deployment, scale.broker_kills, 2 * scale.slice, lambda: "kafka")


def clickhouse_killed(deployment: Deployment, scale: Scale) -> int:
    """SIGKILL for ClickHouse while the rows of an insert are on their way to it."""
    for _ in range(scale.clickhouse_kills):

        def kill() -> bool:
            time.sleep(deployment.random.uniform(0, 0.02))
            deployment.kill("clickhouse")
            return False

        with deployment.insert_faults.intercept("sending", kill) as acted:
            deployment.send(scale.slice)
            deployment.await_true(acted.is_set, "an insert")
        deployment.await_recovered()
    return scale.clickhouse_kills


def _killed(deployment: Deployment, times: int, events: int, choose: Callable[[], str]) -> int:
    for _ in range(times):
        deployment.send(events)
        time.sleep(deployment.random.uniform(0, 1))
        deployment.kill(choose())
        deployment.send(events // 4)
        deployment.await_recovered()
        # Half of the time everything is counted before the next crash, else it hits the recovery of the last one.
        if deployment.random.random() < 0.5:
            deployment.await_counted()
    return times
