"""Day rules: which days are worked, and when. Everything that a calendar knows is a list of them."""

from datetime import date
from typing import Literal

from msgspec import Struct

from schemas.reference.validity import LAST_DAY
from schemas.working_time.hours import Hours

Kind = Literal["off", "worked", "half"]
"""A half day counts as half a working day, whatever its hours; a worked one counts as a whole."""
AppliesTo = Literal["both", "working", "reception"]
"""The working time that terms count, the reception of dossiers, or both."""
SAME_DAY_UNTIL = 15 * 60
"""15:00, the cut-off of Hanoi."""


class DayRule(Struct, frozen=True, kw_only=True, gc=False):
    """What holds on the days from `first` to `last`, both inclusive, for `agency` and all agencies below it.

    With `weekdays` (1 is Monday, 7 Sunday) the rule is part of a weekly schedule. Without, it is about the days
    themselves – a holiday, a swap – and wins over every schedule. `agency` is empty for everybody.

    `hours` may be empty in a rule about days: a worked day then has the hours of its schedule, and a half day the first
    part of them. `same_day_until` is the last minute of a scheduled day at which a same-day procedure is received for
    the same day. `name` is the occasion, and `source` the decision that the rule comes from.
    """

    first: date
    last: date = LAST_DAY
    weekdays: tuple[int, ...] = ()
    kind: Kind
    hours: tuple[Hours, ...] = ()
    agency: str = ""
    applies_to: AppliesTo = "both"
    same_day_until: int = SAME_DAY_UNTIL
    name: str = ""
    source: str = ""
