"""Comparison of a calendar with an official list of days off and of Saturdays worked instead."""

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct

from schemas.reference.validity import ONE_DAY
from schemas.working_time.calendar import Calendar, Calendars
from schemas.working_time.day import Day
from schemas.working_time.day_rule import DayRule


class DayDifference(Struct, frozen=True, gc=False):
    """A day that is otherwise in the calendar than the list has it."""

    expected: Day
    actual: Day

    def __str__(self) -> str:
        day = self.actual.day
        return f"{day} {day:%a}: {_words(self.expected)} in the list, {_words(self.actual)} in the calendar"


def differences(
    listed: Sequence[DayRule], calendar: Calendar, path: Sequence[str], first: date, last: date
) -> Iterator[DayDifference]:
    """The days from `first` to `last` that differ for the agency of this path, whose calendar it is.

    Days that the list does not name are expected to be as in the weekly schedule.
    """
    schedule = [rule for rule in calendar.rules if rule.weekdays]
    official = Calendars([*schedule, *listed]).of(path)
    for day in (first + ONE_DAY * number for number in range((last - first).days + 1)):
        expected, actual = official.day(day), calendar.day(day)
        if (expected.kind, expected.hours) != (actual.kind, actual.hours):
            yield DayDifference(expected, actual)


def _words(day: Day) -> str:
    kind = {"off": "off", "worked": "worked", "half": "half a day"}[day.kind]
    reason = f" ({day.rule.name})" if day.rule and day.rule.name and not day.rule.weekdays else ""
    return f"{kind} {' '.join(map(str, day.hours))}".strip() + reason
