"""Clock stops: the stretches in which a dossier waits for someone else than the agency.

A dossier that waits for two things at once waits once: overlapping stops are one interval. A stop that nobody ended
lasts until the instant that is asked about.
"""

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

StopKind: TypeAlias = Literal["supplement", "obligation", "land posting", "pause"]
Interval: TypeAlias = tuple[int, int]
"""From an instant to another one, both in microseconds since 1970."""

ALL_KINDS: tuple[StopKind, ...] = ("supplement", "obligation", "land posting", "pause")
SUPPLEMENTS: tuple[StopKind, ...] = ("supplement",)


class Stop(Struct, frozen=True, gc=False):
    """One stop of a case: `end` is None while it lasts. One that ended before it began has no length."""

    kind: StopKind
    start: int
    end: int | None = None

    def is_open(self, at: int) -> bool:
        """Whether it lasts at this instant: the clock runs again from the very instant of its end."""
        return self.start <= at and (self.end is None or self.end > at)


def stopped(stops: Iterable[Stop], start: int, until: int, kinds: Collection[StopKind] = ALL_KINDS) -> list[Interval]:
    """The intervals between two instants in which a stop of these kinds lasted: disjoint, in order, none empty."""
    found: list[Interval] = []
    for begin, end in sorted(
        (max(stop.start, start), until if stop.end is None else min(stop.end, until))
        for stop in stops
        if stop.kind in kinds
    ):
        if end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def elapsed(intervals: Iterable[Interval]) -> int:
    """The length of disjoint intervals together, by day and by night."""
    return sum(end - start for start, end in intervals)
