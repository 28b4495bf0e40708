"""Days, as a calendar knows them."""

from datetime import date
from fractions import Fraction

from msgspec import Struct

from schemas.working_time.day_rule import DayRule, Kind
from schemas.working_time.hours import Hours

SHARES: dict[Kind, Fraction] = {"off": Fraction(0), "half": Fraction(1, 2), "worked": Fraction(1)}
"""What a day counts of a working day."""


class Day(Struct, frozen=True, gc=False):
    """One day of a calendar; `rule` is the one that decides it, None where none is about it: it is off."""

    day: date
    kind: Kind
    hours: tuple[Hours, ...]
    same_day_until: int
    rule: DayRule | None = None

    @property
    def minutes(self) -> int:
        """How long it is worked."""
        return sum(closes - opens for opens, closes in self.hours)

    @property
    def reason(self) -> str:
        """Why the day is as it is, in the words of its rule."""
        if self.rule is None:
            return "no rule is about this day"
        return f"{self.rule.name} ({self.rule.source})" if self.rule.name and self.rule.source else self.rule.name
