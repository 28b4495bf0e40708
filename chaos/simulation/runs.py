"""Many schedules one after another."""

from collections import Counter
from collections.abc import Callable

from msgspec import Struct

from chaos.simulation.describe import describe
from chaos.simulation.schedule import schedule_of
from chaos.simulation.shrink import shrink
from chaos.simulation.worker import Code
from chaos.simulation.world import play


class Failure(Struct, frozen=True):
    """A seed whose schedule ends wrong, and what is wrong."""

    seed: int
    wrong: tuple[str, ...]


class Simulated(Struct, frozen=True):
    """What was simulated: schedules, events that workers took (again and again), and the number of faults by kind."""

    runs: int
    events: int
    faults: dict[str, int]
    failures: tuple[Failure, ...]


def simulate(
    first: int, count: int, on_progress: Callable[[int], None] | None = None, code: Code | None = None, most: int = 1
) -> Simulated:
    """Play the schedules of `count` seeds from `first`; ends early after `most` failures.

    `on_progress` gets the number of schedules played, after each; it may raise to end the simulation.
    """
    happened: Counter[str] = Counter()
    failures: list[Failure] = []
    runs = 0
    for seed in range(first, first + count):
        played = play(schedule_of(seed), code)
        runs += 1
        happened += played.happened
        if played.wrong:
            failures.append(Failure(seed, played.wrong))
            if len(failures) == most:
                break
        if on_progress:
            on_progress(runs)
    events = happened.pop("events", 0)
    return Simulated(runs, events, dict(happened.most_common()), tuple(failures))


def explain(seed: int, code: Code | None = None) -> str:
    """The schedule of this seed in words; where it ends wrong, only as much of it as is needed for that."""
    schedule = schedule_of(seed)
    if play(schedule, code).wrong:
        schedule = shrink(schedule, lambda smaller: bool(play(smaller, code).wrong))
    return describe(schedule, code)
