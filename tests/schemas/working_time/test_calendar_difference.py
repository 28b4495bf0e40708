"""The first day on which two calendars differ, beside a comparison of all days."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.working_time.built_in import built_in_rules
from schemas.working_time.calendar import FIRST_DAY, LAST_DAY, Calendar
from schemas.working_time.calendar_difference import first_difference
from schemas.working_time.day_rule import DayRule
from tests.schemas.working_time.calendars import on, schedule

FEW = [
    schedule("1-5", "08:00-12:00", "13:00-17:00"),
    schedule("1-5", "07:00-11:00", since="2026-03-02", last=date(2026, 3, 20)),
    schedule("6-6", "07:30-11:30", kind="half", since="2026-03-07"),
    on("2026-03-04", "worked"),
    on("2026-03-07", "worked"),
    on("2026-03-08", "half"),
    on("2026-03-10", "off", until="2026-03-12"),
    on("2026-03-11", "worked", applies_to="reception"),
]
rules = st.lists(st.sampled_from(FEW), unique=True, max_size=6)


def test_a_day_off_that_is_added_is_the_first_difference() -> None:
    before, after = Calendar(built_in_rules()), Calendar([*built_in_rules(), on("2027-02-11", "off")])
    assert first_difference(before, after) == date(2027, 2, 11)
    assert first_difference(after, before) == date(2027, 2, 11)


def test_names_sources_and_reception_are_no_difference() -> None:
    named = Calendar([*built_in_rules(), on("2026-01-01", "off", name="Tết dương lịch", source="QĐ")])
    receiving = Calendar([*built_in_rules(), on("2026-03-07", "worked", applies_to="reception")])
    for other in (named, receiving):
        assert first_difference(Calendar(built_in_rules()), other) is None


@given(rules, rules)
def test_it_is_the_first_of_all_days_that_differ(before: list[DayRule], after: list[DayRule]) -> None:
    one, other = Calendar(before), Calendar(after)
    days = (date(2026, 2, 20) + timedelta(days=number) for number in range(60))
    compared = [
        (day, [(at.kind, at.hours, at.same_day_until) for at in (one.day(day), other.day(day))]) for day in days
    ]
    expected = next((day for day, (old, new) in compared if old != new), None)
    found = first_difference(one, other)
    # Schedules without an end begin to differ in 2000 where one of the calendars has them.
    assert found == expected or (found is not None and FIRST_DAY <= found < date(2026, 2, 20))
    assert found is None or found <= LAST_DAY
