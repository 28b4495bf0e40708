"""What differs between two timelines of versions, day by day."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from schemas.reference.validity import FIRST_DAY, LAST_DAY, ONE_DAY, Valid, boundaries, is_valid

V = TypeVar("V", bound=Valid)


class Difference(NamedTuple):
    """The days from `valid_from` to `valid_to`, on which a value was `old` and is `new`."""

    valid_from: date
    valid_to: date
    old: Any
    new: Any


class Timelines(Generic[V]):
    """The versions before and after: on each stretch of days at most one of either is valid."""

    def __init__(self, before: Sequence[V], after: Sequence[V]) -> None:
        starts = [FIRST_DAY, *boundaries([*before, *after])]
        ends = [*(day - ONE_DAY for day in starts[1:]), LAST_DAY]
        self._stretches = [
            (start, end, _valid_on(before, start), _valid_on(after, start))
            for start, end in zip(starts, ends, strict=True)
        ]

    def validity(self) -> Iterator[Difference]:
        """The days on which a version was valid and none is, or the other way round."""
        return _joined((start, end, old is not None, new is not None) for start, end, old, new in self._stretches)

    def values(self, value_of: Callable[[V], object]) -> Iterator[Difference]:
        """The days on which this value is another one, where a version is valid both before and after."""
        return _joined(
            (start, end, value_of(old), value_of(new))
            for start, end, old, new in self._stretches
            if old is not None and new is not None
        )


def _valid_on(versions: Sequence[V], day: date) -> V | None:
    return next((version for version in versions if is_valid(version, day)), None)


def _joined(stretches: Iterator[tuple[date, date, object, object]]) -> Iterator[Difference]:
    held: Difference | None = None
    for start, end, old, new in stretches:
        if old == new:
            continue
        if held and held.valid_to + ONE_DAY == start and held[2:] == (old, new):
            held = held._replace(valid_to=end)
            continue
        if held:
            yield held
        held = Difference(start, end, old, new)
    if held:
        yield held
