"""Everything that decides terms and verdicts: working time, what procedures promise, and the versions of the rules."""

from collections.abc import Callable
from datetime import date
from functools import cache, cached_property, lru_cache

from msgspec import Struct

from schemas.rule_names import RULE_NAMES
from schemas.working_time.built_in import built_in_calendar, built_in_rules
from schemas.working_time.calendar import TIME_ZONE, Calendar
from streams.on_time.local_days import local_day
from streams.on_time.promise import Promise
from streams.on_time.rules import RULES, Rule, valid_on


class Ruling(Struct, frozen=True, dict=True):
    """Counts depend on it as on the profile; it is asked for each case, so whoever makes one remembers its answers.

    `calendar_of` gives the calendar of an agency by its code, and `promise_of` what a procedure promises to a dossier
    that came by a channel at an instant. `rules` are all versions of the rules: of each, one is valid on any day.
    """

    calendar_of: Callable[[str], Calendar]
    promise_of: Callable[[str, str, int], Promise | None]
    rules: tuple[Rule, ...] = RULES

    def rules_for(self, received_at: int, calendar: Calendar) -> tuple[Rule, ...]:
        """The rules that judge a case for all its life, in the order of RULE_NAMES: those of the day it came in."""
        return self._rules_of_day(local_day(received_at, calendar.timetable))

    @cached_property
    def _rules_of_day(self) -> Callable[[int], tuple[Rule, ...]]:
        versions = self.rules
        return lru_cache(4096)(
            lambda day: tuple(valid_on(versions, name, date.fromordinal(day)) for name in RULE_NAMES)
        )


@cache
def built_in_ruling(time_zone: str = TIME_ZONE, rules: tuple[Rule, ...] = RULES) -> Ruling:
    """What decides where no reference data was loaded: one calendar for all agencies, and no promises."""
    calendar = _calendar(time_zone)
    return Ruling(lambda _agency: calendar, lambda _procedure, _channel, _received_at: None, rules)


@cache
def _calendar(time_zone: str) -> Calendar:
    return built_in_calendar() if time_zone == TIME_ZONE else Calendar(built_in_rules(), time_zone)
