"""Calendars: the rules of one agency become days, each with its hours and the reason for them."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from schemas.working_time.day import Day
from schemas.working_time.day_rule import Clock, DayRule, Hours
from schemas.working_time.timetable import Timetable

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
"""The days that calendars have: those on which an event can be."""
SAME_DAY_UNTIL = 15 * 60
"""Until 15:00, as in Hanoi, where no rule says otherwise."""
TIME_ZONE = "Asia/Ho_Chi_Minh"


class Calendar:
    """The working time of one agency.

    Among rules about the same day, one about the day itself wins over a weekly schedule. Then the more specific agency
    wins, and then the later rule of the list. A rule about reception alone leaves working time as it is.
    """

    def __init__(self, rules: Iterable[DayRule], time_zone: str = TIME_ZONE) -> None:
        self._rules = list(rules)
        self._zone = ZoneInfo(time_zone)
        self._working = _Layer(self._rules, "working")

    def day(self, day: date) -> Day:
        """What the day is to the clock of terms."""
        return self._working.day(day)

    def reception(self, day: date) -> Day:
        """What the day is to those who hand in dossiers."""
        return self._receiving.day(day)

    @cached_property
    def _receiving(self) -> "_Layer":
        return _Layer(self._rules, "reception")

    @cached_property
    def timetable(self) -> Timetable:
        """Working time over all days; made once, in about a tenth of a second."""
        return Timetable(self._zone, map(self.day, _all_days()))


class Calendars:
    """The calendars of all agencies, from the rules of everything; later rules win over earlier ones."""

    def __init__(self, rules: Iterable[DayRule], time_zone: str = TIME_ZONE) -> None:
        self._of_agency: dict[str, list[DayRule]] = {}
        for rule in rules:
            self._of_agency.setdefault(rule.agency, []).append(rule)
        self._time_zone = time_zone
        self._made: dict[tuple[str, ...], Calendar] = {}

    def of(self, path: Sequence[str] = ()) -> Calendar:
        """The calendar of an agency by the codes from the root of its tree down to it.

        Agencies that the rules do not tell apart share one calendar.
        """
        named = ("", *(code for code in path if code and code in self._of_agency))
        if named not in self._made:
            rules = [rule for code in named for rule in self._of_agency.get(code, ())]
            self._made[named] = Calendar(rules, self._time_zone)
        return self._made[named]


class _Layer:
    """The rules of one clock. They come from the general to the specific, so the last one that holds wins."""

    def __init__(self, rules: Iterable[DayRule], clock: Clock) -> None:
        ranked = [
            rule
            for _, of_agency in groupby(rules, lambda rule: rule.agency)
            for rule in sorted(of_agency, key=lambda rule: rule.clock != "both")
            if rule.clock in ("both", clock)
        ]
        self._weekly = [_Timeline(rule for rule in ranked if weekday in rule.weekdays) for weekday in range(1, 8)]
        self._days: Mapping[int, DayRule] = {
            ordinal: rule
            for rule in ranked
            if not rule.weekdays
            for ordinal in range(max(rule.first, FIRST_DAY).toordinal(), min(rule.last, LAST_DAY).toordinal() + 1)
        }

    def day(self, day: date) -> Day:
        weekly = self._weekly[day.weekday()].at(day)
        rule = self._days.get(day.toordinal(), weekly)
        until = SAME_DAY_UNTIL if weekly is None or weekly.same_day_until is None else weekly.same_day_until
        if rule is None or rule.kind == "off":
            return Day(day, "off", (), until, rule)
        hours = rule.hours or self._usual(day)
        if not hours:
            return Day(day, "off", (), until, rule)
        if rule.kind == "half" and not rule.hours:
            hours = hours[:1]
        return Day(day, rule.kind, hours, until, rule)

    def _usual(self, day: date) -> tuple[Hours, ...]:
        """The hours of the schedule on this weekday, or on the last one before it that is worked."""
        for back in range(7):
            weekly = self._weekly[(day.weekday() - back) % 7].at(day)
            if weekly and weekly.hours:
                return weekly.hours
        return ()


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

    def at(self, day: date) -> DayRule | None:
        at = bisect_right(self._begins, day.toordinal()) - 1
        return self._rules[at] if at >= 0 else None


def _all_days() -> Iterable[date]:
    return map(date.fromordinal, range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1))
