"""Local days of a calendar. Instants beside its first and last day, which differ by hours at most, belong to these."""

from schemas.working_time.timetable import Timetable


def local_day(at: int, table: Timetable) -> int:
    """The local day of an instant, as `date.toordinal` counts days."""
    return table.ordinal(min(max(at, table.midnights[0]), table.midnights[-1] - 1))


def last_moment(day: int, table: Timetable) -> int:
    """The last microsecond of a local day; "as of 30 September 24:00" asks about that of 30 September."""
    return table.midnight(day + 1) - 1
