"""Calendars: which rule decides a day, and for whom."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from schemas.instant import to_micros
from schemas.working_time.arithmetic import add, between
from schemas.working_time.calendar import Calendar, Calendars
from schemas.working_time.day_rule import DayRule
from schemas.working_time.duration import Duration
from tests.schemas.working_time.calendars import at, on, schedule

WEEK = (schedule("1-5", "08:00-12:00", "13:00-17:00"), schedule("6-7"))


def day(text: str, *rules: DayRule, path: tuple[str, ...] = (), reception: bool = False) -> str:
    calendar = Calendars([*WEEK, *rules]).of(path)
    found = (calendar.reception if reception else calendar.day)(date.fromisoformat(text))
    return " ".join([found.kind, *map(str, found.hours)])


def test_schedules() -> None:
    assert day("2026-03-02") == "worked 08:00-12:00 13:00-17:00"
    assert day("2026-03-07") == "off"
    summer = schedule("1-5", "07:00-11:00", "14:00-18:00", since="2026-04-16", last=date(2026, 10, 15))
    mornings = schedule("6-6", "08:00-11:30", since="2026-06-01", kind="half")
    found = [day(each, summer, mornings) for each in ("2026-04-15", "2026-04-16", "2026-10-15", "2026-10-16")]
    assert found == [
        "worked 08:00-12:00 13:00-17:00",
        "worked 07:00-11:00 14:00-18:00",
        "worked 07:00-11:00 14:00-18:00",
        "worked 08:00-12:00 13:00-17:00",
    ]
    assert [day(each, mornings) for each in ("2026-05-30", "2026-06-06")] == ["off", "half 08:00-11:30"]


def test_rules_about_a_day_win_over_schedules_of_anybody() -> None:
    everyday = schedule("1-7", "07:00-19:00", agency="H26.12")
    holiday = on("2026-03-07", "off", name="lễ")
    assert day("2026-03-07", everyday, path=("H26", "H26.12")) == "worked 07:00-19:00"
    assert day("2026-03-07", everyday, holiday, path=("H26", "H26.12")) == "off"
    assert day("2026-03-07", holiday, everyday, path=("H26", "H26.12")) == "off"


def test_a_worked_saturday_has_the_hours_of_the_day_before_it() -> None:
    short_fridays = schedule("5-5", "08:00-12:00", "13:00-15:00")
    saturdays = schedule("6-6", "08:00-12:00", kind="half")
    swap = on("2026-03-07", "worked")
    assert day("2026-03-07", swap) == "worked 08:00-12:00 13:00-17:00"
    assert day("2026-03-07", short_fridays, swap) == "worked 08:00-12:00 13:00-15:00"
    assert day("2026-03-07", short_fridays, saturdays, swap) == "worked 08:00-12:00 13:00-15:00"
    assert day("2026-03-08", short_fridays, saturdays, on("2026-03-08", "worked")) == "worked 08:00-12:00 13:00-15:00"
    assert day("2026-03-07", on("2026-03-07", "worked", "09:00-15:00")) == "worked 09:00-15:00"


def test_half_days() -> None:
    assert day("2026-03-02", on("2026-03-02", "half")) == "half 08:00-12:00"
    assert day("2026-03-02", on("2026-03-02", "half", "13:00-17:00")) == "half 13:00-17:00"
    assert (
        day("2026-03-07", on("2026-03-07", "half"), schedule("6-6", "07:00-10:00", kind="half")) == "half 07:00-10:00"
    )
    assert day("2026-03-02", schedule("1-1", "08:00-16:00"), on("2026-03-02", "half")) == "half 08:00-12:00"


def test_the_more_specific_agency_wins_and_then_the_later_rule() -> None:
    rules = (
        on("2026-03-02", "half", agency="H26.12"),
        on("2026-03-02", "off", agency="H26"),
        on("2026-03-02", "worked", "08:00-10:00", agency="H27"),
        on("2026-03-02", "worked", "08:00-11:00"),
        on("2026-03-02", "worked", "08:00-11:30"),
    )
    assert day("2026-03-02", *rules) == "worked 08:00-11:30"
    assert day("2026-03-02", *rules, path=("H26",)) == "off"
    assert day("2026-03-02", *rules, path=("H26", "H26.11")) == "off"
    assert day("2026-03-02", *rules, path=("H26", "H26.12", "H26.12.1")) == "half 08:00-12:00"


def test_reception_differs_from_working_time_only_where_a_rule_says_so() -> None:
    served = on("2026-02-14", "worked", "08:00-11:30", agency="H26", applies_to="reception")
    assert day("2026-02-14", served, path=("H26",)) == "off"
    assert day("2026-02-14", served, path=("H26",), reception=True) == "worked 08:00-11:30"
    assert day("2026-02-14", served, reception=True) == "off"
    inner = on("2026-02-13", "off", applies_to="working")
    assert day("2026-02-13", inner) == "off"
    assert day("2026-02-13", inner, reception=True) == "worked 08:00-12:00 13:00-17:00"
    # Whatever order a table has them in.
    assert (
        day("2026-02-14", served, on("2026-02-14", "off", agency="H26"), path=("H26",), reception=True)[:6] == "worked"
    )
    longer = schedule("1-5", "07:30-17:30", applies_to="reception")
    assert day("2026-02-13", longer, on("2026-02-13", "off"), reception=True) == "off"
    assert day("2026-02-12", longer, reception=True) == "worked 07:30-17:30"


@pytest.mark.slow
def test_cut_offs_of_same_day_procedures() -> None:
    noon = schedule("1-5", "08:00-12:00", "13:00-17:00", agency="H26", same_day_until=720)
    calendars = Calendars([*WEEK, noon, on("2026-03-07", "worked")])
    ends = [
        add(at(start), Duration(1, "working days"), calendars.of(path), same_day=True)
        for path in ((), ("H26",))
        for start in ("2026-03-02T12:30", "2026-03-07T12:30")
    ]
    assert ends == [at(f"{day}T17:00") for day in ("2026-03-02", "2026-03-07", "2026-03-03", "2026-03-09")]


def test_agencies_that_no_rule_tells_apart_share_a_calendar() -> None:
    calendars = Calendars([*WEEK, on("2026-03-02", "off", agency="H26")])
    assert calendars.of(("H27", "H27.1")) is calendars.of()
    assert calendars.of(("H26", "H26.1")) is calendars.of(("H26", "H26.2"))
    assert calendars.of(("H26",)) is not calendars.of()
    assert calendars.agencies == ["H26"]


@pytest.mark.slow
def test_agencies_of_equal_rules_share_a_timetable() -> None:
    rules = [on("2026-03-02", "off", agency=agency, name=agency) for agency in ("H26", "H27")]
    calendars = Calendars([*WEEK, *rules, on("2026-03-02", "half", agency="H28")])
    one, same, other = (calendars.of((agency,)) for agency in ("H26", "H27", "H28"))
    assert one.timetable is same.timetable
    assert one.timetable is not other.timetable
    assert [found.day(date(2026, 3, 2)).reason for found in (one, same)] == ["H26", "H27"]


def test_a_day_without_a_rule_is_off() -> None:
    found = Calendar([]).day(date(2026, 3, 2))
    assert (found.kind, found.hours, found.reason) == ("off", (), "no rule is about this day")
    assert Calendar([on("2026-03-02", "worked")]).day(date(2026, 3, 2)).kind == "off"


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "expected"), [("01:00-08:00", 6), ("04:00-08:00", 4), ("02:00-03:00", 0)])
def test_hours_follow_clocks_that_change_within_a_day(hours: str, expected: int) -> None:
    """On Sunday 29 March 2026 at 02:00 clocks of Amsterdam go forward to 03:00."""
    calendar = Calendar([schedule("1-7", hours)], "Europe/Amsterdam")
    start, end = (to_micros(datetime(2026, 3, day, tzinfo=ZoneInfo("Europe/Amsterdam"))) for day in (29, 30))
    assert between(start, end, "working hours", calendar) == expected
    assert between(start, end, "working days", calendar) == bool(expected)
    if expected:
        assert add(start, Duration(1, "working days"), calendar) == add(
            start, Duration(expected, "working hours"), calendar
        )
        assert (
            calendar.timetable.ordinal(add(start, Duration(1, "working days"), calendar))
            == date(2026, 3, 29).toordinal()
        )
