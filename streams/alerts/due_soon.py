"""When a dossier is due soon: so many hours, or working hours of its agency, before its deadline."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from schemas.errors import OutsideCalendar
from schemas.instant import from_micros, to_micros
from schemas.working_time.arithmetic import add
from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Duration


class Horizons(Struct, frozen=True):
    """The instants before which a deadline is due soon: of everybody, and of the agencies for which it is another."""

    default: datetime
    of_agency: dict[str, datetime]

    @property
    def latest(self) -> datetime:
        """The latest of all: no later deadline is due soon anywhere."""
        return max((self.default, *self.of_agency.values()))


def horizons(
    amount: int,
    unit: Literal["hours", "working hours"],
    now: datetime,
    agencies: Iterable[str],
    calendar_of: Callable[[str], Calendar],
) -> Horizons:
    """The horizons of these agencies as of now.

    Agencies share calendars, and one end is computed for each calendar.
    """
    if unit == "hours":
        return Horizons(now + timedelta(hours=amount), {})
    ends: dict[int, datetime] = {}

    def end(calendar: Calendar) -> datetime:
        if id(calendar.timetable) not in ends:
            ends[id(calendar.timetable)] = _end(now, amount, calendar)
        return ends[id(calendar.timetable)]

    default = end(calendar_of(""))
    found = {agency: end(calendar_of(agency)) for agency in agencies}
    return Horizons(default, {agency: at for agency, at in found.items() if at != default})


def _end(now: datetime, amount: int, calendar: Calendar) -> datetime:
    try:
        return from_micros(add(to_micros(now), Duration(amount, "working hours"), calendar))
    except OutsideCalendar:
        return now + timedelta(hours=amount)
