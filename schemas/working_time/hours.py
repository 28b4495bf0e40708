"""Hours: stretches of working time within a day, and how tables write them."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 1440
_TIME = re.compile(r"(\d{1,2})(?:[:hg]([0-5]\d)(?::00)?|[hg])", re.ASCII | re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[-–—]\s*")


class Hours(NamedTuple):
    """A stretch of working time, in minutes after local midnight; `closes` no longer belongs to it."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{time_text(self.opens)}-{time_text(self.closes)}"


def time_text(minute: int) -> str:
    """The minute of a day as a clock shows it: 07:30."""
    return f"{minute // 60:02}:{minute % 60:02}"


def to_minute(text: str) -> int:
    """A time of day such as 07:30 or 7h30, at most 23:59; raises ValueError."""
    found = _TIME.fullmatch(text.strip())
    minute = int(found[1]) * 60 + int(found[2] or 0) if found else _DAY
    if minute >= _DAY:
        raise ValueError("is not a time of day such as 07:30")
    return minute


def to_hours(text: str) -> Hours:
    """A stretch such as 07:30-11:30; raises ValueError."""
    times = _BETWEEN.split(text.strip())
    if len(times) != 2:
        raise ValueError("is not a stretch of hours such as 07:30-11:30")
    opens, closes = map(to_minute, times)
    if opens >= closes:
        raise ValueError(f"ends at {time_text(closes)}, not after {time_text(opens)}")
    return Hours(opens, closes)


def in_order(hours: Iterable[Hours]) -> tuple[Hours, ...]:
    """The stretches of a day in order; raises ValueError where two of them overlap or leave no break."""
    ordered = tuple(sorted(hours))
    for before, after in pairwise(ordered):
        if after.opens <= before.closes:
            raise ValueError(f"has no break between {before} and {after}")
    return ordered


def first_half(hours: tuple[Hours, ...]) -> tuple[Hours, ...]:
    """What is worked on a half day: the part before the break, or half of a day without one."""
    if len(hours) == 1:
        return (Hours(hours[0].opens, (hours[0].opens + hours[0].closes) // 2),)
    return hours[:1]
