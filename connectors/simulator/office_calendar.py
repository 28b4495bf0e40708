"""Office hours and hourly activity. Times are seconds since 1970 in UTC; the simulated city is at UTC+7."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

CITY = timezone(timedelta(hours=7))
OFFICE_SECONDS = 27_000
"""A working day: 7:30 to 11:30 and 13:30 to 17:00."""

_DAY = 86_400
_OFFSET = 7 * 3600 - 4 * _DAY  # local time, counted from Monday 5 January 1970
_OPEN, _NOON, _REOPEN = 27_000, 41_400, 48_600
_MORNING = _NOON - _OPEN
_HOLIDAYS = frozenset({(1, 1), (4, 30), (5, 1), (9, 2)})
_MONTHS = (1.0, 0.6, 1.3, 1.1, 1.0, 1.0, 0.95, 1.05, 1.1, 1.0, 1.0, 1.15)
_WEEKDAYS = (1.25, 1.1, 1.0, 0.95, 0.9, 0.0, 0.0)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 16, 18, 16, 10, 7, 11, 15, 14, 11, 8, 7, 8, 9, 8, 5, 2)


class Calendar(Protocol):
    """How long simulated work takes."""

    def after(self, at: float, days: float) -> float:
        """The instant so many working days after another."""

    def delay(self, at: float, seconds: float) -> float:
        """The instant so many seconds after another, whether an office is open or not."""


class OfficeCalendar:
    """Offices that work Monday to Friday in office hours; lunar holidays are not included."""

    def after(self, at: float, days: float) -> float:
        """The instant so many working days later, always in office hours."""
        return _instant_of(_worked_until(at) + days * OFFICE_SECONDS)

    def delay(self, at: float, seconds: float) -> float:
        """So many seconds later."""
        return at + seconds


class CompressedCalendar:
    """Offices that never close, with time `speed_up` times as fast: for live traffic."""

    def __init__(self, speed_up: float) -> None:
        self._speed_up = speed_up

    def after(self, at: float, days: float) -> float:
        """The instant so many compressed working days later."""
        return at + days * OFFICE_SECONDS / self._speed_up

    def delay(self, at: float, seconds: float) -> float:
        """So many compressed seconds later."""
        return at + seconds / self._speed_up


def activity(at: float, *, online: bool) -> float:
    """The relative number of dossiers at this instant: at offices in their hours, online at any time."""
    local = datetime.fromtimestamp(at, CITY)
    season = _MONTHS[local.month - 1]
    holiday = (local.month, local.day) in _HOLIDAYS
    if online:
        return season * _HOURS[local.hour] * (0.35 if holiday or local.weekday() > 4 else 1.0)
    second = local.hour * 3600 + local.minute * 60 + local.second
    is_open = _OPEN <= second < _NOON or _REOPEN <= second < _REOPEN + OFFICE_SECONDS - _MORNING
    if holiday or not is_open:
        return 0.0
    return season * _WEEKDAYS[local.weekday()] * (1.3 if second < _NOON else 1.0)


def instant(at: float) -> datetime:
    """The instant as events carry it."""
    return datetime.fromtimestamp(at, UTC)


def _worked_until(at: float) -> float:
    day, second = divmod(at + _OFFSET, _DAY)
    week, weekday = divmod(day, 7)
    if weekday > 4:
        return (week + 1) * 5 * OFFICE_SECONDS
    morning = min(max(second - _OPEN, 0), _MORNING)
    worked = min(morning + max(second - _REOPEN, 0), OFFICE_SECONDS)
    return (week * 5 + weekday) * OFFICE_SECONDS + worked


def _instant_of(worked: float) -> float:
    days, rest = divmod(worked, OFFICE_SECONDS)
    week, weekday = divmod(days, 5)
    second = _OPEN + rest if rest < _MORNING else _REOPEN + rest - _MORNING
    return (week * 7 + weekday) * _DAY + second - _OFFSET
