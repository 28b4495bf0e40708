"""A schedule that fails, made as small as it can be while it still fails: what is left is what matters."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import structs

from chaos.simulation.log import Entry, Line
from chaos.simulation.schedule import Schedule
from chaos.simulation.steps import Step, Take

T = TypeVar("T")

_TRIES = 4000
_PLAIN = {
    "clock": 0,
    "back": 0,
    "part": 1.0,
    "chance": 0,
    "late": False,
    "beside": False,
    "notified": True,
    "stops": True,
}
"""What the fields of a step are where nothing special happens."""


def shrink(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """The smallest schedule that was found by leaving out steps, records and lines, and making steps plain."""
    left = _TRIES

    def tried(candidate: Schedule) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and fails(candidate)

    before = None
    while schedule != before and left > 0:
        before = schedule
        schedule = _fewer_steps(schedule, tried)
        schedule = _shorter_log(schedule, tried)
        schedule = _plainer_steps(schedule, tried)
    return schedule


def _fewer_steps(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    steps = _reduced(schedule.steps, lambda some: fails(structs.replace(schedule, steps=some)))
    return structs.replace(schedule, steps=steps)


def _shorter_log(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    for partition in range(schedule.log.partitions):
        schedule = _fewer_records(schedule, partition, fails)
        for offset in range(len(schedule.log.entries[partition])):
            schedule = _fewer_lines(schedule, partition, offset, fails)
    return schedule


def _fewer_records(schedule: Schedule, partition: int, fails: Callable[[Schedule], bool]) -> Schedule:
    def of(entries: tuple[Entry, ...]) -> Schedule:
        return _with_entries(schedule, partition, entries)

    return of(_reduced(schedule.log.entries[partition], lambda some: fails(of(some))))


def _fewer_lines(schedule: Schedule, partition: int, offset: int, fails: Callable[[Schedule], bool]) -> Schedule:
    entries = schedule.log.entries[partition]

    def of(lines: tuple[Line, ...]) -> Schedule:
        entry = structs.replace(entries[offset], lines=lines)
        return _with_entries(schedule, partition, (*entries[:offset], entry, *entries[offset + 1 :]))

    return of(_reduced(entries[offset].lines, lambda some: fails(of(some))))


def _with_entries(schedule: Schedule, partition: int, entries: tuple[Entry, ...]) -> Schedule:
    others = schedule.log.entries
    left = (*others[:partition], entries, *others[partition + 1 :])
    return structs.replace(schedule, log=structs.replace(schedule.log, entries=left))


def _plainer_steps(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    if fails(plain := structs.replace(schedule, afterwards=False)):
        schedule = plain
    for index in range(len(schedule.steps)):
        for plainer in _plainer(schedule.steps[index]):
            steps = (*schedule.steps[:index], plainer, *schedule.steps[index + 1 :])
            if fails(candidate := structs.replace(schedule, steps=steps)):
                schedule = candidate
                break
    return schedule


def _plainer(step: Step) -> Iterator[Step]:
    """The step with one thing less to it."""
    if isinstance(step, Take) and step.meanwhile:
        yield structs.replace(step, meanwhile=())
        for index, group in enumerate(step.meanwhile):
            for fewer in [group[:inner] + group[inner + 1 :] for inner in range(len(group))]:
                yield structs.replace(step, meanwhile=(*step.meanwhile[:index], fewer, *step.meanwhile[index + 1 :]))
    for name, value in _PLAIN.items():
        if getattr(step, name, value) != value:
            yield structs.replace(step, **{name: value})


def _reduced(items: tuple[T, ...], fails: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """The items without those that do not matter: halves are left out, then quarters, then one at a time."""
    size = len(items)
    while size:
        at = 0
        while at < len(items):
            if fails(fewer := items[:at] + items[at + size :]):
                items = fewer
            else:
                at += size
        size //= 2
    return items
