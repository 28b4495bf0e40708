"""How stops move a term, and up to which instant a term is in time."""

from collections.abc import Iterable

from schemas.errors import OutsideCalendar
from schemas.working_time.duration import Unit
from schemas.working_time.timetable import Timetable
from streams.on_time.clock_stops import Interval
from streams.on_time.local_days import last_moment, local_day
from streams.on_time.rules import Basis


def deadline_of(term: int, basis: Basis, table: Timetable) -> int:
    """The last instant that is in time: the term itself, or the last microsecond of its local day."""
    return term if basis == "instant" else last_moment(local_day(term, table), table)


def moved(term: int, stops: Iterable[Interval], unit: Unit, basis: Basis, table: Timetable) -> int:
    """The term after these disjoint stops, in their order: each moves it by what was stopped in its own unit.

    Working hours and days move it by the work that was left undone, days and months by the days from the one on which
    the stop began to the one on which it ended. A term that has passed when a stop begins moves no more, and none
    passes while the clock stands. Beyond the days that calendars have, nothing moves.
    """
    for start, end in stops:
        if start > deadline_of(term, basis, table):
            break
        try:
            term = _after_stop(term, start, end, unit, basis, table)
        except OutsideCalendar:
            term = max(term, end)
    return term


def _after_stop(term: int, start: int, end: int, unit: Unit, basis: Basis, table: Timetable) -> int:
    if unit in ("days", "months"):
        days = table.ordinal(end) - table.ordinal(start)
        later = table.close(table.ordinal(term) + days) if days else term
    else:
        scale = table.scale(unit)
        undone = table.position(end, scale) - table.position(start, scale)
        begin = _through_its_day(term, table) if basis == "date" else term
        later = table.instant(table.position(begin, scale) + undone, scale) if undone else term
    return later if later >= end else max(end, table.opens[table.session(end)])


def _through_its_day(term: int, table: Timetable) -> int:
    """The end of work on the day of a term that is set before work begins: by date, all of this day is in term.

    Many sources send a day alone, as its midnight.
    """
    day = table.ordinal(term)
    session = table.session(term)
    return table.close(day) if table.ordinals[session] == day and term < table.open(day) else term
