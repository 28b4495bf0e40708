"""Calendars and instants for tests."""

from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from schemas.instant import from_micros, to_micros
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.calendar import TIME_ZONE, Calendar, Calendars
from schemas.working_time.day_rule import DayRule
from schemas.working_time.hours import in_order, to_hours

ZONE = ZoneInfo(TIME_ZONE)


def at(local: str) -> int:
    """The instant of a local time."""
    return to_micros(datetime.fromisoformat(local).replace(tzinfo=ZONE))


def shown(instant: int) -> str:
    """The local time of an instant: `2026-03-02T17:00` where it is a whole minute."""
    return from_micros(instant).astimezone(ZONE).replace(tzinfo=None).isoformat().removesuffix(":00")


def schedule(days: str, *hours: str, since: str = "2000-01-01", **others: Any) -> DayRule:
    """A rule of a weekly schedule, for days such as 1-5."""
    first, last = days.split("-")
    return DayRule(
        **{
            "first": date.fromisoformat(since),
            "weekdays": tuple(range(int(first), int(last) + 1)),
            "kind": "worked" if hours else "off",
            "hours": in_order(map(to_hours, hours)),
            **others,
        }
    )


def on(day: str, kind: Any, *hours: str, until: str = "", **others: Any) -> DayRule:
    """A rule about a day, or about the days until another one."""
    return DayRule(
        first=date.fromisoformat(day),
        last=date.fromisoformat(until or day),
        kind=kind,
        hours=in_order(map(to_hours, hours)),
        **others,
    )


SITES: dict[str, tuple[DayRule, ...]] = {
    "as built in": (),
    "7½ hours, Saturday mornings": (
        schedule("1-5", "07:30-11:30", "13:00-16:30"),
        schedule("6-6", "07:30-11:30", kind="half"),
    ),
    "short Fridays, other hours in summer, half days": (
        schedule("5-5", "08:00-12:00", "13:00-15:00"),
        schedule("1-5", "07:00-11:00", "14:00-18:00", since="2026-04-16", last=date(2026, 10, 15)),
        on("2026-02-13", "half"),
        on("2026-03-04", "half", "13:00-17:00"),
        on("2026-03-05", "worked", "09:00-12:00"),
    ),
    "7 hours and 47 minutes": (schedule("1-5", "08:03-11:50", "13:00-17:00"), on("2026-03-03", "half", "10:11-12:00")),
    "day and night": (schedule("1-7", "00:00-23:59"), on("2026-02-16", "worked", until="2026-02-20")),
    "one day a week": (schedule("1-2"), schedule("3-3", "08:00-10:00"), schedule("4-7")),
}
"""Rules of sites, by what they are like."""


@cache
def calendar_of(site: str = "as built in", agency: str = "") -> Calendar:
    """The calendar of a site, made once."""
    return Calendars([*built_in_rules(), *SITES[site]]).of([agency])


def instants(first: str = "2025-12-25T00:00", last: str = "2026-12-31T23:59") -> st.SearchStrategy[int]:
    """Instants of a year, to the microsecond or to the minute, often at the edges of work."""
    whole = st.integers(at(first), at(last))
    edges = st.sampled_from([0, 420, 480, 720, 780, 900, 1019, 1020, 1440])
    days = st.integers(0, 370).map(lambda day: at("2025-12-25T00:00") + day * 86_400_000_000)
    return st.one_of(
        whole,
        whole.map(lambda instant: instant - instant % 60_000_000),
        st.builds(lambda day, minute: day + minute * 60_000_000, days, edges),
    )
