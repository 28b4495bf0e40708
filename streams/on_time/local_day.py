"""Local days of a time zone, and their bounds as instants."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from schemas.instant import to_micros
from schemas.reference.validity import ONE_DAY


def local_day(at: int, zone: ZoneInfo) -> date:
    """The local day of this instant in microseconds."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone).date()


def last_moment(day: date, zone: ZoneInfo) -> int:
    """The last microsecond of this local day; "as of 30 September 24:00" asks about that of 30 September."""
    return to_micros(datetime.combine(day + ONE_DAY, time(), zone)) - 1
