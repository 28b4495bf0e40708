from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instant import EARLIEST, LATEST, check_instant, from_micros, to_micros
from tests.strategies import instants

ONE = timedelta(microseconds=1)


@given(instants())
def test_microseconds_and_back_is_the_same_instant(instant: datetime) -> None:
    back = from_micros(to_micros(instant))
    assert back == instant
    assert back.tzinfo is UTC


@given(instants(), st.integers(-(10**15), 10**15))
def test_microseconds_count_exactly_where_floats_would_round(instant: datetime, step: int) -> None:
    assert to_micros(instant + timedelta(microseconds=step)) == to_micros(instant) + step


def test_microseconds_are_those_of_the_epoch() -> None:
    assert to_micros(datetime(1970, 1, 1, 7, tzinfo=timezone(timedelta(hours=7)))) == 0
    assert to_micros(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == 1_767_225_600_000_001


@pytest.mark.parametrize("good", [EARLIEST, LATEST - ONE])
def test_the_first_and_the_last_microsecond_are_allowed(good: datetime) -> None:
    check_instant("term", good)


@pytest.mark.parametrize(
    "bad", [EARLIEST - ONE, LATEST, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
)
def test_an_instant_outside_is_refused_by_field_and_value(bad: datetime) -> None:
    with pytest.raises(ValueError, match=r"^term = \d{4}-.* is not between 2000 and 2099$") as raised:
        check_instant("term", bad)
    assert bad.isoformat() in str(raised.value)


def test_the_instant_counts_and_not_what_its_zone_calls_it() -> None:
    west = timezone(timedelta(hours=-1))
    check_instant("term", datetime(1999, 12, 31, 23, 30, tzinfo=west))
    with pytest.raises(ValueError, match="term"):
        check_instant("term", datetime(2099, 12, 31, 23, 30, tzinfo=west))
