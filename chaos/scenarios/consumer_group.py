"""Workers that come, go, freeze and wake, with clocks that are wrong."""

import signal

from chaos.crash_points import Armed
from chaos.deployment import City
from chaos.run_scale import Scale
from chaos.scenarios.crashes import fall_into

_FREEZING = ("counted", "events-written", "windows-half", "windows-written", "facts-half", "facts-written")
_CLOCKS = (5 * 3600.0, -86_400.0, 400 * 86_400.0, -400 * 86_400.0, 0.0)


def zombies(city: City, scale: Scale) -> int:
    """A worker freezes in the middle of a batch until others own its partitions, and then goes on with it."""
    for _ in range(scale.zombies):
        armed = Armed(city.random.choice(_FREEZING), city.random.randint(1, 3), "stop")
        name = city.name_of(fall_into(city, armed, scale.slice // 4))
        frozen = city.process(name)
        # The others count on, with the windows of that batch in their caches.
        city.send(scale.slice)
        city.await_member(name, is_one=False)
        if city.random.random() < 0.5:
            city.await_counted()
        city.send(scale.slice)
        frozen.resume()
        city.send(scale.slice)
        city.await_member(name, is_one=True)
    return scale.zombies


def rebalances(city: City, scale: Scale) -> int:
    """Workers come and go while events pour in."""
    helpers: list[str] = []
    for _ in range(scale.rebalances):
        city.send(2 * scale.slice)
        if helpers and city.random.random() < 0.5:
            # One that is told to stop before it can listen ends by the signal itself.
            assert city.remove_worker(helpers.pop(city.random.randrange(len(helpers)))) in (0, -signal.SIGTERM)
        else:
            helpers.append(city.start_worker())
            if city.random.random() < 0.7:
                city.await_member(helpers[-1], is_one=True)
    city.send(scale.slice)
    for helper in helpers:
        city.remove_worker(helper)
    return scale.rebalances


def clock_jumps(city: City, scale: Scale) -> int:
    """The workers' clocks jump by hours and years, forwards and backwards."""
    for seconds in _CLOCKS:
        city.set_clocks(seconds)
        city.send(scale.slice)
        city.kill(city.a_worker())
        city.send(scale.slice)
        city.await_counted()
    return len(_CLOCKS)
