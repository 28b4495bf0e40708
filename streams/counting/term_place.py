"""Where the end of a case lies beside its term, by local days: for each event that may end a case, so remembered."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.instant import from_micros
from streams.on_time.plain_case import Place

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_QUARTER = 900 * _SECOND
_QUARTERS = _DAY // _QUARTER


def place_beside(at: int, term: int | None, zone: ZoneInfo) -> Place:
    """Where an instant lies beside a term, as `place_of` says."""
    if term is None:
        return "no term"
    day, last_day = local_day(at, zone), local_day(term, zone)
    if day != last_day:
        return "day before" if day < last_day else "day after"
    return "in time" if at <= term else "same day"


def local_day(at: int, zone: ZoneInfo) -> int:
    """A number for the local day of this instant; later days have greater ones."""
    offset = _offset_of_day(at // _DAY, zone)
    # No zone has changed its offset within a quarter of an hour of UTC in this century.
    return (at + (_offset(at // _QUARTER, zone) if offset is None else offset)) // _DAY


@lru_cache(65_536)
def _offset_of_day(day: int, zone: ZoneInfo) -> int | None:
    """The offset throughout this day of UTC; None where it changes, which happens once a day at most."""
    first, last = day * _QUARTERS, (day + 1) * _QUARTERS - 1
    return offset if (offset := _offset(first, zone)) == _offset(last, zone) else None


@lru_cache(65_536)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    offset = from_micros(quarter * _QUARTER).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * _SECOND)
