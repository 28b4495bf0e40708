"""Calendars: the rules of one agency become days, each with its hours and the reason for them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby, pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import structs

from schemas.deployment_profile import Profile
from schemas.instant import EARLIEST, LATEST
from schemas.reference.validity import ONE_DAY
from schemas.working_time.day import Day
from schemas.working_time.day_rule import SAME_DAY_UNTIL, AppliesTo, DayRule
from schemas.working_time.hours import first_half
from schemas.working_time.timetable import Integers, Timetable

FIRST_DAY, LAST_DAY = EARLIEST.date(), LATEST.date() - ONE_DAY
"""The days that calendars have: those on which an event can be."""
TIME_ZONE = Profile().time_zone
Timetables: TypeAlias = dict[tuple[object, ...], Timetable]
"""Timetables by what the rules mean that they are made from."""


class Calendar:
    """The working time of one agency.

    Among rules about the same day, one about the day itself wins over a weekly schedule. Then the more specific agency
    wins, and then the later rule of the list. A rule about reception alone leaves working time as it is. `rules` come
    from the general to the specific: `Calendars` puts them in this order.
    """

    def __init__(
        self, rules: Iterable[DayRule], time_zone: str = TIME_ZONE, timetables: Timetables | None = None
    ) -> None:
        self.rules = tuple(rules)
        self._zone = ZoneInfo(time_zone)
        self._timetables: Timetables = {} if timetables is None else timetables

    def day(self, day: date) -> Day:
        """What the day is to the clock of terms."""
        return self._working.day(day)

    def reception(self, day: date) -> Day:
        """What the day is to those who hand in dossiers."""
        return self._receiving.day(day)

    @cached_property
    def _working(self) -> "_Layer":
        return _Layer(self.rules, "working")

    @cached_property
    def _receiving(self) -> "_Layer":
        return _Layer(self.rules, "reception")

    @cached_property
    def timetable(self) -> Timetable:
        """Working time over all days; made once, in about a hundredth of a second.

        It takes 5 MB, so calendars of equal rules share it: a hundred communes may work on the same Saturdays.
        """
        key = tuple(map(_meaning, self.rules))
        if key not in self._timetables:
            self._timetables[key] = Timetable(self._zone, FIRST_DAY.toordinal(), *self._working.kinds())
        return self._timetables[key]


class Calendars:
    """The calendars of all agencies, from the rules of everything; later rules win over earlier ones."""

    def __init__(self, rules: Iterable[DayRule], time_zone: str = TIME_ZONE) -> None:
        self._of_agency: dict[str, list[DayRule]] = {}
        for rule in rules:
            self._of_agency.setdefault(rule.agency, []).append(rule)
        self._time_zone = time_zone
        self._made: dict[tuple[str, ...], Calendar] = {}
        self._timetables: Timetables = {}

    @property
    def agencies(self) -> list[str]:
        """The agencies that have rules of their own."""
        return sorted(self._of_agency.keys() - {""})

    def of(self, path: Sequence[str] = ()) -> Calendar:
        """The calendar of an agency by the codes from the root of its tree down to it.

        Agencies that the rules do not tell apart share one calendar.
        """
        named = ("", *(code for code in path if code and code in self._of_agency))
        if named not in self._made:
            rules = [rule for code in named for rule in self._of_agency.get(code, ())]
            self._made[named] = Calendar(rules, self._time_zone, self._timetables)
        return self._made[named]


class _Layer:
    """The rules of working time, or of reception. The last one that holds wins: they end with the most specific."""

    def __init__(self, rules: Iterable[DayRule], applies_to: AppliesTo) -> None:
        ranked = [
            rule
            for _, of_agency in groupby(rules, lambda rule: rule.agency)
            for rule in sorted(of_agency, key=lambda rule: rule.applies_to != "both")
            if rule.applies_to in ("both", applies_to)
        ]
        self._weekly = [_Timeline(rule for rule in ranked if weekday in rule.weekdays) for weekday in range(1, 8)]
        self._days: Mapping[int, DayRule] = {
            ordinal: rule
            for rule in ranked
            if not rule.weekdays
            for ordinal in range(max(rule.first, FIRST_DAY).toordinal(), min(rule.last, LAST_DAY).toordinal() + 1)
        }

    def day(self, day: date) -> Day:
        ordinal = day.toordinal()
        scheduled = self._weekly[(ordinal - 1) % 7].at(ordinal)
        rule = self._days.get(ordinal, scheduled)
        if rule is None or rule.kind == "off":
            return Day(day, "off", (), SAME_DAY_UNTIL, rule)
        if rule.weekdays:
            return Day(day, rule.kind, rule.hours, rule.same_day_until, rule)
        usual = self._usual(ordinal)
        until = usual.same_day_until if usual else SAME_DAY_UNTIL
        hours = rule.hours
        if not hours and scheduled and scheduled.kind == rule.kind:
            hours = scheduled.hours
        elif not hours and usual:
            hours = usual.hours if rule.kind == "worked" else first_half(usual.hours)
        return Day(day, rule.kind if hours else "off", hours, until, rule)

    def kinds(self) -> tuple[Sequence[Day], Integers]:
        """The kinds of days that there are, each as some day of it, and the number of its kind of each day."""
        kinds: dict[tuple[object, ...], Day] = {}
        numbers: dict[tuple[object, ...], int] = {}

        def number_of(ordinal: int) -> int:
            day = self.day(date.fromordinal(ordinal))
            kind = day.kind, day.hours, day.same_day_until
            kinds.setdefault(kind, day)
            return numbers.setdefault(kind, len(numbers))

        first, last = FIRST_DAY.toordinal(), LAST_DAY.toordinal()
        kind_of = np.zeros(last - first + 1, np.int64)
        for weekday, timeline in enumerate(self._weekly, 1):
            of_weekday = np.arange(first + (weekday - date.fromordinal(first).isoweekday()) % 7, last + 1, 7)
            for begin, end in timeline.stretches(first, last):
                days = of_weekday[(of_weekday >= begin) & (of_weekday < end)]
                usual = next((day for day in days.tolist() if day not in self._days), None)
                if usual is not None:
                    kind_of[days - first] = number_of(usual)
        for ordinal in self._days:
            kind_of[ordinal - first] = number_of(ordinal)
        return list(kinds.values()), kind_of

    def _usual(self, ordinal: int) -> DayRule | None:
        """The schedule of the day if it is usually worked whole, or of the last day before it that is."""
        found = (self._weekly[(ordinal - 1 - back) % 7].at(ordinal) for back in range(7))
        return next((rule for rule in found if rule and rule.kind == "worked"), None)


class _Timeline:
    """The rules of one weekday of a schedule: on each stretch of days the last one that holds."""

    def __init__(self, rules: Iterable[DayRule]) -> None:
        held = list(rules)
        begins = {rule.first.toordinal() for rule in held} | {rule.last.toordinal() + 1 for rule in held}
        self._begins = sorted(begins)
        self._rules = [
            next((rule for rule in reversed(held) if rule.first.toordinal() <= at <= rule.last.toordinal()), None)
            for at in self._begins
        ]

    def stretches(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The stretches of days, each with the day after it, on which one rule or none holds."""
        bounds = [first, *(begin for begin in self._begins if first < begin <= last), last + 1]
        return pairwise(bounds)

    def at(self, ordinal: int) -> DayRule | None:
        at = bisect_right(self._begins, ordinal) - 1
        return self._rules[at] if at >= 0 else None


def _meaning(rule: DayRule) -> tuple[object, ...]:
    """All of a rule but whom it is for, why, and by whose decision."""
    return structs.astuple(structs.replace(rule, agency="", name="", source=""))
