"""What decides terms and verdicts beside the events: working days, promises of procedures, versions of the rules."""

from collections.abc import Callable
from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from chaos.oracle.on_time import Promised, Versions
from chaos.oracle.working_days import WorkingDays
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.calendar import Calendar


class Law(Struct, frozen=True):
    """By agency, its working days; by procedure, channel and reception, the promise; by day of reception, the rules."""

    days_of: Callable[[str], WorkingDays]
    promised: Callable[[str, str, int], Promised | None] = lambda _procedure, _channel, _received_at: None
    versions: Callable[[date], Versions] = lambda _day: Versions()


@cache
def built_in_law(time_zone: str) -> Law:
    """What holds where nothing was loaded."""
    days = WorkingDays(Calendar(built_in_rules(), time_zone), ZoneInfo(time_zone))
    return Law(lambda _agency: days)
