"""Day rules: which days are worked, and when. Everything that a calendar knows is a list of them."""

from datetime import date
from typing import Literal, NamedTuple

from msgspec import Struct

from schemas.reference.validity import LAST_DAY

Kind = Literal["off", "worked", "half"]
"""A half day counts as half a working day, whatever its hours; a worked one counts as a whole."""
Clock = Literal["both", "working", "reception"]
"""What a rule is for: the working time that terms count, the reception of dossiers, or both."""


class Hours(NamedTuple):
    """A stretch of working time, in minutes after local midnight; `closes` no longer belongs to it."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{time_text(self.opens)}-{time_text(self.closes)}"


class DayRule(Struct, frozen=True, kw_only=True, gc=False):
    """What holds on the days from `first` to `last`, both inclusive, for `agency` and all agencies below it.

    With `weekdays` (1 is Monday, 7 Sunday) the rule is part of a weekly schedule. Without, it is about the days
    themselves – a holiday, a swap – and wins over every schedule. `agency` is empty for everybody.

    `hours` may be empty: a worked day then has the hours of its schedule, and a half day the first stretch of these.
    `same_day_until` is the last minute at which a same-day procedure can be received for the same day.
    """

    first: date
    last: date = LAST_DAY
    weekdays: tuple[int, ...] = ()
    kind: Kind
    hours: tuple[Hours, ...] = ()
    agency: str = ""
    clock: Clock = "both"
    same_day_until: int | None = None
    name: str = ""
    source: str = ""


def time_text(minute: int) -> str:
    """The minute of a day as a clock shows it: 07:30."""
    return f"{minute // 60:02}:{minute % 60:02}"
