"""Terms: cases computed by hand, and laws that hold for every calendar."""

import csv
import time
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import OutsideCalendar
from schemas.working_time.arithmetic import add, begin, between
from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Duration, Unit
from tests.schemas.working_time.calendars import SITES, at, calendar_of, instants, shown

CASES = list(csv.DictReader(Path(__file__).with_name("ends_of_terms.csv").read_text(encoding="utf-8").splitlines()))
UNITS: tuple[Unit, ...] = get_args(Unit)
WORKING: tuple[Unit, ...] = ("working hours", "working days")
EVEN = ("as built in", "day and night", "one day a week")
"""Sites whose days are all of one length: no end falls between two microseconds."""
sites = st.sampled_from([*SITES])
units = st.sampled_from(UNITS)
amounts = st.integers(0, 60)


def end(start: str, amount: int | str, unit: Unit, same_day: bool = False, site: str = "as built in") -> str:
    return shown(add(at(start), Duration(Fraction(amount), unit), calendar_of(site), same_day))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['start']} {case['amount']} {case['unit']}")
def test_terms_end_as_computed_by_hand(case: dict[str, Any]) -> None:
    assert end(case["start"], case["amount"], case["unit"], bool(case["same_day"])) == case["end"], case["why"]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case["between"]], ids=lambda case: f"{case['why']:.60}")
def test_what_lies_between_is_as_computed_by_hand(case: dict[str, Any]) -> None:
    """It is what was added, unless the last day was off: then it reaches to the day on which the term ends instead."""
    found = between(at(case["start"]), at(case["end"]), case["unit"], calendar_of())
    assert found == Fraction(case["between"]), case["why"]


def test_between_by_hand() -> None:
    calendar = calendar_of()

    def found(start: str, stop: str, unit: Unit) -> Fraction:
        return between(at(start), at(stop), unit, calendar)

    # A supplement was asked for before Tết and handed in after it.
    assert found("2026-02-12T14:00", "2026-02-24T10:00", "working days") == 1 + 1 + Fraction(5, 8)
    assert found("2026-02-12T14:00", "2026-02-24T10:00", "working hours") == 21
    assert found("2026-02-12T14:00", "2026-02-24T10:00", "days") == 12
    # Nothing is worked at night, at lunch and on Sunday.
    assert found("2026-03-06T17:00", "2026-03-09T08:00", "working hours") == 0
    assert found("2026-03-02T12:00", "2026-03-02T13:00", "working days") == 0
    assert found("2026-03-01T09:00", "2026-03-01T20:00", "working days") == 0
    # Backwards it is negative.
    assert found("2026-03-03T10:00", "2026-03-02T09:00", "working hours") == -9
    assert found("2026-03-12T10:00", "2026-03-02T09:00", "days") == -10
    # From 31 January to 28 February it is a month, and 10 of the 31 days to 31 March are a part of the next.
    assert found("2023-01-31T10:00", "2023-02-28T09:00", "months") == 1
    assert found("2023-01-31T10:00", "2023-03-10T09:00", "months") == 1 + Fraction(10, 31)
    assert found("2023-03-10T10:00", "2023-01-31T09:00", "months") == -(1 + Fraction(10, 31))


SHORT_FRIDAYS = "short Fridays, other hours in summer, half days"
SATURDAYS = "7½ hours, Saturday mornings"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("site", "start", "amount", "unit", "expected", "why"),
    [
        (SATURDAYS, "2026-03-06T07:30", "3/2", "working days", "2026-03-07T11:30", "Friday and half of Saturday"),
        (SATURDAYS, "2026-03-06T09:30", 1, "working days", "2026-03-07T09:38", "11/15 + 4/15: 8/15 of the half's 4 h"),
        (SATURDAYS, "2026-03-06T16:30", 4, "working hours", "2026-03-07T11:30", "the half day has 4 hours"),
        (SHORT_FRIDAYS, "2026-03-05T09:00", 1, "working days", "2026-03-05T12:00", "a whole day of 3 hours"),
        (SHORT_FRIDAYS, "2026-03-05T09:00", 4, "working hours", "2026-03-06T09:00", "but only 3 hours"),
        (SHORT_FRIDAYS, "2026-03-06T09:30", 1, "working days", "2026-03-09T10:00", "a quarter of 6 and of 8 hours"),
        (SHORT_FRIDAYS, "2026-02-12T10:00", 1, "working days", "2026-02-13T10:00", "3/4 + 1/4, half of the half day"),
        (SHORT_FRIDAYS, "2026-03-04T08:00", 1, "working days", "2026-03-05T10:30", "an afternoon, and half a day"),
        (SHORT_FRIDAYS, "2026-04-15T08:00", 1, "working days", "2026-04-15T17:00", "before the hours of summer"),
        (SHORT_FRIDAYS, "2026-04-16T16:00", 1, "working days", "2026-04-17T16:00", "in summer, on Fridays as well"),
        (SHORT_FRIDAYS, "2026-10-15T18:00", 1, "working days", "2026-10-16T15:00", "after summer Fridays are short"),
        ("day and night", "2026-02-14T23:30", 1, "working hours", "2026-02-15T00:31", "across midnight"),
        ("one day a week", "2026-03-05T00:00", 2, "working days", "2026-03-18T10:00", "two Wednesdays"),
    ],
)
def test_other_calendars_by_hand(site: str, start: str, amount: int | str, unit: Unit, expected: str, why: str) -> None:
    assert end(start, amount, unit, site=site) == expected, why


@pytest.mark.slow
@given(instants(), amounts, units, sites)
def test_between_is_the_inverse_of_add(start: int, amount: int, unit: Unit, site: str) -> None:
    calendar = calendar_of(site)
    stop = add(start, Duration(amount, unit), calendar)
    found = between(start, stop, unit, calendar)
    assert add(start, Duration(found, unit), calendar) == stop
    assert found >= amount
    if unit in ("days", "months"):
        # It is more where the last day was off: then any amount from one to the other ends there.
        assert add(start, Duration((found + amount) / 2, unit), calendar) == stop
    elif unit == "working hours" or site in EVEN:
        assert found == amount
    else:
        # The end was rounded up to a microsecond, of the shortest half day of all sites at most.
        assert found - amount < Fraction(1, 109 * 60_000_000)


@pytest.mark.slow
@given(instants(), instants(), sites)
def test_add_is_the_inverse_of_between(start: int, stop: int, site: str) -> None:
    """For every instant within working time that is not the first one of a session, which no term can end at."""
    calendar = calendar_of(site)
    start, stop = sorted((start, stop))
    stop = add(stop, Duration(Fraction(1, 3_600_000_000), "working hours"), calendar)
    for unit in WORKING:
        assert add(start, Duration(between(start, stop, unit, calendar), unit), calendar) == stop


@pytest.mark.slow
@given(instants(), instants(), amounts, st.integers(0, 3), units, st.sampled_from([*SITES]), st.booleans())
def test_what_starts_later_or_is_longer_does_not_end_earlier(
    one: int, other: int, amount: int, more: int, unit: Unit, site: str, same_day: bool
) -> None:
    calendar = calendar_of(site)
    same_day = same_day and unit != "months"
    first, second = sorted((one, other))
    ended = add(first, Duration(amount, unit), calendar, same_day)
    assert add(second, Duration(amount, unit), calendar, same_day) >= ended
    assert add(first, Duration(amount + more, unit), calendar, same_day) >= ended
    assert add(first, Duration(amount + Fraction(more, 7), unit), calendar, same_day) >= ended
    assert ended >= begin(first, unit, calendar) >= first


@given(instants(), st.integers(1, 60), st.integers(1, 60), st.sampled_from(WORKING), sites)
def test_a_term_in_two_parts_ends_where_the_whole_does(start: int, one: int, other: int, unit: Unit, site: str) -> None:
    """To the microsecond, but for days of different lengths: there the end of the first part may have been rounded."""
    calendar = calendar_of(site)
    parts = add(add(start, Duration(one, unit), calendar), Duration(other, unit), calendar)
    whole = add(start, Duration(one + other, unit), calendar)
    assert parts == whole if unit == "working hours" or site in EVEN else 0 <= parts - whole <= 5


@given(
    instants(), instants(), instants(), st.sampled_from(["working hours", "working days"]), st.sampled_from([*SITES])
)
def test_what_lies_between_adds_up(one: int, other: int, last: int, unit: Unit, site: str) -> None:
    calendar = calendar_of(site)
    parts = between(one, other, unit, calendar) + between(other, last, unit, calendar)
    assert parts == between(one, last, unit, calendar)
    assert between(other, one, unit, calendar) == -between(one, other, unit, calendar)


def test_an_end_between_two_microseconds_is_the_later_one() -> None:
    """A microsecond of a day of 7½ hours is 16/15 of one of the half day of 4 hours after it."""
    calendar = calendar_of(SATURDAYS)
    friday, saturday = at("2026-03-06T07:30"), at("2026-03-07T07:30")
    ends = [add(friday + micros, Duration(1, "working days"), calendar) - saturday for micros in (1, 2, 15)]
    assert ends == [2, 3, 16]  # 16/15, 32/15, and exactly 16


@given(instants(), st.fractions(Fraction(1, 10**9), 9), st.sampled_from(WORKING), st.sampled_from([*SITES]))
def test_a_walk_from_day_to_day_comes_to_the_same_end(start: int, amount: Fraction, unit: Unit, site: str) -> None:
    """The rule told in another way: a person with a calendar, who crosses off what each day has."""
    calendar = calendar_of(site)
    expected = walked(start, amount, unit, calendar)
    assert expected <= add(start, Duration(amount, unit), calendar) < expected + 1


def walked(start: int, amount: Fraction, unit: Unit, calendar: Calendar) -> Fraction:
    """The exact end, without tables and ticks."""
    midnight = at(shown(start)[:10])
    while True:
        day = calendar.day(date.fromisoformat(shown(midnight)[:10]))
        for opens, closes in day.hours:
            begins, ends = max(start, midnight + opens * 60_000_000), midnight + closes * 60_000_000
            whole = 60_000_000 * (60 if unit == "working hours" else day.minutes * (2 if day.kind == "half" else 1))
            if begins < ends:
                if amount * whole <= ends - begins:
                    return begins + amount * whole
                amount -= Fraction(ends - begins, whole)
        midnight += 86_400_000_000


@pytest.mark.slow
def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    calendar_of.cache_clear()
    try:
        for zone in ("America/New_York", "Pacific/Kiritimati", "UTC"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            calendar_of.cache_clear()
            assert end("2026-02-11T15:30", 3, "working days") == "2026-02-23T15:30"
            assert end("2026-02-11T15:30", 4, "days") == "2026-02-23T17:00"
            assert between(at("2026-02-12T23:00"), at("2026-02-24T00:30"), "days", calendar_of()) == 11
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_leaves_the_calendar_or_makes_no_sense_is_refused() -> None:
    calendar = calendar_of()
    for start in ("1999-12-31T23:59", "2099-12-31T17:00", "2100-01-01T00:00"):
        with pytest.raises(OutsideCalendar, match="is not within the working days from 2000-01-01 to 2099-12-31"):
            add(at(start), Duration(1, "days"), calendar)
    beyond: list[tuple[int, Unit]] = [(9999, "months"), (10**30, "months"), (10**30, "days"), (10**30, "working days")]
    for amount, unit in beyond:
        with pytest.raises(
            OutsideCalendar, match=r"the term ends (after 2099-12-31|in the year \d+), .*last working day"
        ):
            add(at("2026-03-02T10:00"), Duration(amount, unit), calendar)
    with pytest.raises(ValueError, match=r"a term of -1 days is negative"):
        add(at("2026-03-02T10:00"), Duration(-1, "days"), calendar)
    with pytest.raises(ValueError, match=r"a term of 1 month cannot be one of the same day"):
        add(at("2026-03-02T10:00"), Duration(1, "months"), calendar, same_day=True)


def test_a_calendar_without_work_has_no_terms() -> None:
    with pytest.raises(OutsideCalendar):
        add(at("2026-03-02T10:00"), Duration(1, "days"), Calendar([]))
