"""How stops move a term, and up to which instant a term is in time."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.reference.procedure import Unit
from schemas.working_time.calendar import Calendar
from streams.on_time.clock_stops import Interval
from streams.on_time.local_day import last_moment, local_day
from streams.on_time.rules import Basis


class Jurisdiction(Struct, frozen=True):
    """The calendar of the responsible agency, and the time zone of local days."""

    calendar: Calendar
    zone: ZoneInfo


def deadline_of(term: int, basis: Basis, zone: ZoneInfo) -> int:
    """The last instant that is in time: the term itself, or the last microsecond of its local day."""
    return term if basis == "instant" else last_moment(local_day(term, zone), zone)


def moved(term: int, stops: Iterable[Interval], unit: Unit, basis: Basis, jurisdiction: Jurisdiction) -> int:
    """The term after these disjoint stops, in their order: each moves it by what was stopped in its own unit.

    A term that has passed when a stop begins moves no more. A term does not pass while the clock stands.
    """
    for start, end in stops:
        if start > deadline_of(term, basis, jurisdiction.zone):
            break
        term = max(_later(term, start, end, unit, jurisdiction.calendar), end)
    return term
