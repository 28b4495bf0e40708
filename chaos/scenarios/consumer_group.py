"""Workers that join, leave, are suspended and resume, with wrong clocks."""

import signal

from chaos.crash_points import Armed
from chaos.deployment import Deployment
from chaos.run_scale import Scale
from chaos.scenarios.crashes import fall_into

_FREEZING = ("counted", "events-written", "windows-half", "windows-written", "facts-half", "facts-written")
_CLOCKS = (5 * 3600.0, -86_400.0, 400 * 86_400.0, -400 * 86_400.0, 0.0)


def zombies(deployment: Deployment, scale: Scale) -> int:
    """A worker freezes in the middle of a batch until others own its partitions, and then goes on with it."""
    for _ in range(scale.zombies):
        armed = Armed(deployment.random.choice(_FREEZING), deployment.random.randint(1, 3), "stop")
        name = deployment.name_of(fall_into(deployment, armed, scale.slice // 4))
        frozen = deployment.process(name)
        # The others count on, with the windows of that batch in their caches.
        deployment.send(scale.slice)
        deployment.await_member(name, is_one=False)
        if deployment.random.random() < 0.5:
            deployment.await_counted()
        deployment.send(scale.slice)
        frozen.resume()
        deployment.send(scale.slice)
        deployment.await_member(name, is_one=True)
    return scale.zombies


def rebalances(deployment: Deployment, scale: Scale) -> int:
    """Workers come and go while events pour in."""
    helpers: list[str] = []
    for _ in range(scale.rebalances):
        deployment.send(2 * scale.slice)
        if helpers and deployment.random.random() < 0.5:
            # One that is told to stop before it can listen ends by the signal itself.
            assert deployment.remove_worker(helpers.pop(deployment.random.randrange(len(helpers)))) in (
                0,
                -signal.SIGTERM,
            )
        else:
            helpers.append(deployment.start_worker())
            if deployment.random.random() < 0.7:
                deployment.await_member(helpers[-1], is_one=True)
    deployment.send(scale.slice)
    for helper in helpers:
        deployment.remove_worker(helper)
    return scale.rebalances


def clock_jumps(deployment: Deployment, scale: Scale) -> int:
    """The workers' clocks jump by hours and years, forwards and backwards."""
    for seconds in _CLOCKS:
        deployment.set_clocks(seconds)
        deployment.send(scale.slice)
        deployment.kill(deployment.a_worker())
        deployment.send(scale.slice)
        deployment.await_counted()
    return len(_CLOCKS)
