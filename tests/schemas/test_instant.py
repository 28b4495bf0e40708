from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.mapping import Mapping
from schemas.alerts import Alert
from schemas.dead_letter import DeadLetter
from schemas.events import KINDS
from schemas.instant import EARLIEST, LATEST, check_instant, from_micros, to_micros, truncated
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


@pytest.mark.parametrize("digits", [7, 8, 9, 12])
def test_what_is_finer_than_a_microsecond_is_cut_and_never_rounded_up(digits: int) -> None:
    fine = b'"occurred_at" : "2026-12-31T23:59:59.' + b"9" * digits + b'+07:00"'
    assert truncated(fine) == b'"occurred_at" : "2026-12-31T23:59:59.999999+07:00"'
    assert (
        truncated(b'as_of = "2026-12-31 23:59:59.' + b"9" * digits + b'Z"') == b'as_of = "2026-12-31 23:59:59.999999Z"'
    )


@pytest.mark.parametrize(
    "text",
    [
        b'"reason":"2026-12-31T23:59:59.9999999Z"',
        b'"reason":"\\"term\\":\\"2026-12-31T23:59:59.9999999Z\\""',
        b'"my_term":"2026-12-31T23:59:59.9999999Z"',
        b'"dossier":"H26.1234567"',
    ],
)
def test_texts_that_only_look_like_an_instant_stay(text: bytes) -> None:
    assert truncated(text) == text


@pytest.mark.parametrize("struct", [*KINDS.values(), Alert, DeadLetter, Mapping], ids=lambda struct: struct.__name__)
def test_every_field_that_is_an_instant_is_cut(struct: type) -> None:
    fields = {field.name: field.type for field in msgspec.inspect.type_info(struct).fields}  # type: ignore[attr-defined]
    for name, kind in fields.items():
        if any(isinstance(part, msgspec.inspect.DateTimeType) for part in getattr(kind, "types", (kind,))):
            assert truncated(f'"{name}":"2026-12-31T23:59:59.9999999Z"'.encode()).count(b"9") == 8
