"""The first day on which two calendars count working time otherwise."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import takewhile

from schemas.working_time.calendar import FIRST_DAY, LAST_DAY, Calendar
from schemas.working_time.day_rule import DayRule

_LOOKS_BACK = timedelta(days=7)
"""A worked day without hours has those of a day of the week before it."""


def first_difference(before: Calendar, after: Calendar) -> date | None:
    """The first day that terms are counted otherwise by one than by the other; None where there is none.

    When dossiers are received, and why a day is off, changes no term.
    """
    if before is after:
        return None
    changed = _changed(before.rules, after.rules)
    if not changed:
        return None
    first = max(min(rule.first for rule in changed), FIRST_DAY)
    last = min(max(rule.last for rule in changed), LAST_DAY - _LOOKS_BACK) + _LOOKS_BACK
    days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    return next((day for day in days if _counted(before, day) != _counted(after, day)), None)


def _changed(before: Sequence[DayRule], after: Sequence[DayRule]) -> Sequence[DayRule]:
    """Rules that may decide a day otherwise: all but those with which both lists begin, and with which both end."""
    same = sum(1 for _ in takewhile(_is_same, zip(before, after, strict=False)))
    old, new = before[same:], after[same:]
    ends = sum(1 for _ in takewhile(_is_same, zip(reversed(old), reversed(new), strict=False)))
    return (*old[: len(old) - ends], *new[: len(new) - ends])


def _is_same(pair: tuple[DayRule, DayRule]) -> bool:
    return pair[0] == pair[1]


def _counted(calendar: Calendar, day: date) -> tuple[object, ...]:
    found = calendar.day(day)
    return found.kind, found.hours, found.same_day_until
