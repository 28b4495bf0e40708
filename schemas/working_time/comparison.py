"""Comparison of a calendar with an official list of days off and of Saturdays worked instead."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from msgspec import Struct

from schemas.working_time.calendar import Calendar
from schemas.working_time.day import Day
from schemas.working_time.day_rule import DayRule


class DayDifference(Struct, frozen=True, gc=False):
    """A day that the list has otherwise than the calendar."""

    listed: Day
    held: Day

    def __str__(self) -> str:
        day = self.held.day
        return f"{day} {day:%a}: {_words(self.listed)} in the list, {_words(self.held)} in the calendar"


def differences(listed: Sequence[DayRule], calendar: Calendar, first: date, last: date) -> Iterator[DayDifference]:
    """The days from `first` to `last` that differ; days that the list does not name are as the weekly schedule is."""
    official = Calendar([*(rule for rule in calendar.rules if rule.weekdays), *listed])
    for day in (first + timedelta(number) for number in range((last - first).days + 1)):
        expected, held = official.day(day), calendar.day(day)
        if (expected.kind, expected.hours) != (held.kind, held.hours):
            yield DayDifference(expected, held)


def _words(day: Day) -> str:
    kind = {"off": "off", "worked": "worked", "half": "half a day"}[day.kind]
    reason = f" ({day.rule.name})" if day.rule and day.rule.name and not day.rule.weekdays else ""
    return f"{kind} {' '.join(map(str, day.hours))}".strip() + reason
