"""Differences between a calendar and an official list."""

from collections.abc import Sequence
from datetime import date

from schemas.working_time.calendar import Calendar
from schemas.working_time.comparison import differences
from schemas.working_time.day_rule import DayRule
from tests.schemas.working_time.calendars import on, schedule

WEEK = (schedule("1-5", "08:00-12:00", "13:00-17:00"), schedule("6-7"))
OFF = on("2026-01-02", "off", name="Nghỉ hoán đổi")
WORKED = on("2026-01-10", "worked")


def found(listed: Sequence[DayRule], held: Sequence[DayRule]) -> list[str]:
    calendar = Calendar([*WEEK, *held])
    return [str(each) for each in differences(listed, calendar, (), date(2026, 1, 1), date(2026, 1, 31))]


def test_the_same_days_have_no_differences() -> None:
    assert found([OFF, WORKED], [OFF, WORKED]) == []
    # A list may name the weekend within a holiday, and the hours that are usual anyway.
    assert found([on("2026-01-02", "off", until="2026-01-04")], [OFF]) == []
    assert found([on("2026-01-10", "worked", "08:00-12:00", "13:00-17:00")], [WORKED]) == []


def test_each_difference_says_what_is_on_either_side() -> None:
    hours = "08:00-12:00 13:00-17:00"
    assert found([OFF, WORKED], []) == [
        f"2026-01-02 Fri: off (Nghỉ hoán đổi) in the list, worked {hours} in the calendar",
        f"2026-01-10 Sat: worked {hours} in the list, off in the calendar",
    ]
    assert found([], [OFF]) == [f"2026-01-02 Fri: worked {hours} in the list, off (Nghỉ hoán đổi) in the calendar"]
    assert found([WORKED], [on("2026-01-10", "half")]) == [
        f"2026-01-10 Sat: worked {hours} in the list, half a day 08:00-12:00 in the calendar"
    ]


def test_a_list_may_be_for_an_agency_in_any_order_of_its_rows() -> None:
    calendar = Calendar([*WEEK, on("2026-01-05", "half", agency="H26")])
    listed = [on("2026-01-05", "half", agency="H26"), on("2026-01-05", "off"), on("2026-01-06", "off", agency="H27")]
    days = (date(2026, 1, 1), date(2026, 1, 31))
    assert list(differences(listed, calendar, ("H26", "H26.1"), *days)) == []
