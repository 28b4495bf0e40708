"""Terms over arrays are those of the plain rules."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import OutsideCalendar
from schemas.working_time.arithmetic import add, between
from schemas.working_time.duration import Duration, Unit
from schemas.working_time.term_columns import add_many, between_many
from schemas.working_time.timetable import TICKS
from tests.schemas.working_time.calendars import SITES, at, calendar_of, instants

UNITS: tuple[Unit, ...] = get_args(Unit)
sites = st.sampled_from([*SITES])


@given(
    st.lists(st.tuples(instants(), st.integers(0, 400) | st.integers(0, 5)), max_size=20),
    st.sampled_from(UNITS),
    sites,
    st.booleans(),
)
def test_many_terms_end_as_each_of_them_does(
    terms: list[tuple[int, int]], unit: Unit, site: str, same_day: bool
) -> None:
    calendar, same_day = calendar_of(site), same_day and unit != "months"
    starts, amounts = (np.array([term[each] for term in terms], np.int64) for each in (0, 1))
    expected = [add(start, Duration(amount, unit), calendar, same_day) for start, amount in terms]
    assert add_many(starts, amounts, unit, calendar, same_day).tolist() == expected


@given(st.lists(st.tuples(instants(), instants()), max_size=20), st.sampled_from([*TICKS]), sites)
def test_much_lies_between_as_between_each_of_them(pairs: list[tuple[int, int]], unit: Unit, site: str) -> None:
    calendar = calendar_of(site)
    starts, ends = (np.array([pair[each] for pair in pairs], np.int64) for each in (0, 1))
    expected = [between(start, end, unit, calendar) * TICKS[unit] for start, end in pairs]
    assert between_many(starts, ends, unit, calendar).tolist() == expected


def test_rounding_is_the_same_for_many_as_for_one() -> None:
    calendar = calendar_of("7 hours and 47 minutes")
    starts = np.random.default_rng(1).integers(at("2026-03-02T08:03"), at("2026-03-02T11:50"), 100)
    expected = [add(start, Duration(1, "working days"), calendar) for start in starts.tolist()]
    assert add_many(starts, 1, "working days", calendar).tolist() == expected


def test_one_amount_for_all() -> None:
    starts = np.array([at("2026-03-02T10:00"), at("2026-03-03T10:00")])
    ends = add_many(starts, 1, "working days", calendar_of())
    assert ends.tolist() == [at("2026-03-03T10:00"), at("2026-03-04T10:00")]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("amount", [1_000_000, 2**40, 2**62])
def test_what_leaves_the_calendar_is_refused_however_far(unit: Unit, amount: int) -> None:
    with pytest.raises(OutsideCalendar, match="after the last working day"):
        add_many(np.array([at("2026-03-02T10:00")]), amount, unit, calendar_of())


def test_what_makes_no_sense_is_refused() -> None:
    starts = np.array([at("2026-03-02T10:00")])
    with pytest.raises(OutsideCalendar, match="is not within the days"):
        add_many(np.array([at("1999-12-31T10:00")]), 1, "days", calendar_of())
    with pytest.raises(OutsideCalendar, match="is not within the days"):
        between_many(starts, np.array([at("2101-01-01T10:00")]), "days", calendar_of())
    with pytest.raises(ValueError, match="a term of -1 days is negative"):
        add_many(starts, -1, "days", calendar_of())
    with pytest.raises(ValueError, match="a term in months cannot be one of the same day"):
        add_many(starts, 1, "months", calendar_of(), same_day=True)
    with pytest.raises(ValueError, match="no common unit"):
        between_many(starts, starts, "months", calendar_of())
