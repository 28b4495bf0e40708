"""Events that are read column by column are those that are read singly; whatever else there is, is not read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import FUTURE_TOLERANCE, MAX_EVENT_BYTES, MAX_LINES, decode, encode, encode_event
from schemas.event_columns import EventColumns, decode_columns
from schemas.events import (
    INSTANT_FIELDS,
    KINDS,
    PAYLOAD_FIELDS,
    Amended,
    AnyEvent,
    Digitised,
    Progressed,
    Received,
    TermSet,
)
from schemas.instant import to_micros
from tests.strategies import PUBLISHED, events
from tests.streams.cases import at, said
from tests.thorough import sized

GOOD = encode_event(said(Received, "2026-03-02 08:00", agency="H01"))
NOW = at("2026-03-02 09:00")


def rows(columns: EventColumns) -> list[tuple[Any, ...]]:
    """Each event by its fields, in the order of the envelope."""
    return list(zip(*msgspec.structs.astuple(columns), strict=True))


def expected(sent: Sequence[AnyEvent]) -> list[tuple[Any, ...]]:
    """The same of single events."""
    return [
        (
            event.dossier,
            event.source,
            event.__struct_config__.tag,
            event.id,
            event.seq,
            to_micros(event.occurred_at),
            to_micros(event.recorded),
            tuple(
                _plain(getattr(event, field))
                for field in type(event).__struct_fields__
                if field not in HEADER and (field != "official" or getattr(event, field) is not None)
            ),
        )
        for event in sent
    ]


HEADER = {"id", "dossier", "source", "occurred_at", "recorded_at", "seq"}


def _plain(value: Any) -> Any:
    return to_micros(value) if isinstance(value, datetime) else value


def read(*lines: bytes, published_at: datetime = NOW) -> EventColumns | None:
    """The columns of these lines, which must be those of the single events, if there are any."""
    value = encode(lines)
    found, decoded = decode_columns(value, published_at), decode(value, published_at)
    if found is not None:
        assert not decoded.rejections
        assert rows(found) == expected([event for _, event in decoded.events])
    return found


@pytest.mark.slow
@settings(max_examples=sized(60, 400))
@given(st.lists(events(), min_size=1, max_size=20))
def test_events_of_any_kind_are_read_as_they_are_singly(sent: list[AnyEvent]) -> None:
    for end in (b"", b"\n"):
        found = decode_columns(encode(map(encode_event, sent)) + end, PUBLISHED)
        assert found is not None
        assert rows(found) == expected(sent)


def test_every_check_that_a_kind_makes_of_its_own_is_made_over_columns_too() -> None:
    """A kind that checks more needs the check in `schemas/event_columns.py`: its structs there run no checks."""
    checking = {kind for kind, struct in KINDS.items() if "__post_init__" in vars(struct)}
    assert checking == {"digitised", "progressed", "assigned", *INSTANT_FIELDS}
    instants = [field for fields in PAYLOAD_FIELDS.values() for field in fields if field in INSTANT_FIELDS.values()]
    assert len(instants) == len(INSTANT_FIELDS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@settings(max_examples=sized(5, 30))
@given(data=st.data())
def test_of_every_kind_with_any_field_missing_the_same_is_read(kind: Any, data: st.DataObject) -> None:
    fields = msgspec.json.decode(encode_event(data.draw(events(kinds=(kind,)))))
    for name in fields:
        read(msgspec.json.encode({key: value for key, value in fields.items() if key != name}), published_at=PUBLISHED)


STRANGE: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1001, 10_001, 2**63, 1.0, "", "x" * 101, [], {}, "2026-03-01T08:00:00Z", "2100-01-01T00:00:00Z"]
)


@pytest.mark.slow
@settings(max_examples=sized(150, 1000))
@given(event=events(), data=st.data(), value=STRANGE)
def test_any_value_in_any_field_is_read_as_it_is_singly_or_not_at_all(
    event: AnyEvent, data: st.DataObject, value: Any
) -> None:
    fields = msgspec.json.decode(encode_event(event))
    field = data.draw(st.sampled_from([*type(event).__struct_fields__, "kind", "unknown"]))
    read(GOOD, msgspec.json.encode(fields | {field: value}), published_at=PUBLISHED)


def test_an_event_in_the_future_is_not_read() -> None:
    latest = NOW + FUTURE_TOLERANCE
    later = latest + timedelta(microseconds=1)
    received = said(Received, "2026-03-02 08:00", agency="H01")
    amended = said(Amended, "2026-03-02 08:00", agency="H02")
    for taken, ahead in (
        *((msgspec.structs.replace(received, **{field: latest}), field) for field in ("occurred_at", "recorded_at")),
        (msgspec.structs.replace(amended, received_at=latest), "received_at"),
    ):
        assert read(GOOD, encode_event(taken))
        assert read(GOOD, encode_event(msgspec.structs.replace(taken, **{ahead: later}))) is None
    # A term lies in the future as a rule.
    assert read(GOOD, encode_event(said(TermSet, "2026-03-02 08:00", term=later)))


INSTANT = b"2026-03-01T08:00:00Z"
TIMED = {
    "occurred_at": GOOD,
    "recorded_at": GOOD,
    "term": encode_event(said(TermSet, "2026-03-02 08:00", term=at("2026-03-05 08:00"))),
    "received_at": encode_event(said(Amended, "2026-03-02 08:00", received_at=at("2026-03-01 08:00"))),
}


@pytest.mark.parametrize("field", TIMED)
def test_an_instant_that_an_object_states_twice_is_not_read_since_only_the_last_would_be_checked(field: str) -> None:
    """JSON allows it, and the last value holds. The first one, of the right length, may be no instant."""
    line = TIMED[field]
    for first in (INSTANT, b"'; DROP TABLE events;", b"2026-03-31T16:59:59.9:b"):
        twice = b'{"%b":"%b",%b,"%b":"%b"}' % (field.encode(), first, line[1:-1], field.encode(), INSTANT)
        assert read(GOOD, twice) is None
        assert read(GOOD, GOOD, twice.replace(b":", b": ")) is None


def test_a_null_hides_no_instant_that_was_stated_before_it() -> None:
    for field in ("recorded_at", "received_at"):
        line = encode_event(said(Amended, "2026-03-02 08:00", agency="H02"))
        for null in (b"null", b" null"):
            assert read(GOOD, b'%b,"%b":%b}' % (line[:-1], field.encode(), null))
            hidden = b'%b,"%b":"%b","%b":%b}' % (line[:-1], field.encode(), b"x" * 20, field.encode(), null)
            assert read(GOOD, hidden) is None
            # Another event has the field: together they have it as often as it is named.
            assert read(TIMED["received_at"], GOOD[:-1] + b',"recorded_at":"%b"}' % INSTANT, hidden) is None


@pytest.mark.parametrize(
    ("components", "digitised", "reused"), [(3, 3, 3), (3, 4, 0), (3, 0, 4), (0, 0, 0), (0, 1, 0), (10_000, 10_000, 0)]
)
def test_more_components_digitised_than_there_are_is_not_read(components: int, digitised: int, reused: int) -> None:
    line = encode_event(said(Digitised, "2026-03-02 08:00", components=10_000, digitised=digitised, reused=reused))
    found = read(GOOD, line.replace(b"10000", b"%d" % components, 1))
    assert (found is not None) == (max(digitised, reused) <= components)


@pytest.mark.parametrize(("official", "is_code"), [("CB-17", True), ("Lan", False), ("Lê 17", False), ("", False)])
def test_an_official_by_name_is_not_read(official: str, is_code: bool) -> None:
    line = encode_event(said(Progressed, "2026-03-02 08:00", step="review", official="CB-0"))
    assert (read(GOOD, line.replace(b"CB-0", official.encode())) is not None) == is_code


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\n",
        GOOD + b"\n\n" + GOOD,
        b"\n" + GOOD,
        GOOD + GOOD,
        GOOD + b" " + GOOD + b"\n",
        GOOD + b"\n\n",
        GOOD + b"\nnull",
        GOOD.replace(b",", b",\n", 1),
        GOOD + b"\n" + GOOD.replace(b"}", b',"unknown":"\xff"}'),
        GOOD + b"\n" + GOOD.replace(b"H01", "e\u0301".encode()),
        GOOD + b"\n" + GOOD.replace(b"H01", b"e\\u0301"),
        GOOD + b"\n" + GOOD[:-1] + b',"note":"' + b"x" * MAX_EVENT_BYTES + b'"}',
        b"\n".join([GOOD] * (MAX_LINES + 1)),
    ],
    ids=range(14),
)
def test_an_envelope_with_anything_unusual_is_not_read(value: bytes) -> None:
    assert decode_columns(value, NOW) is None


@pytest.mark.slow
def test_what_fits_just_so_is_read() -> None:
    padded = GOOD[:-1] + b',"note":"'
    longest = padded + b"x" * (MAX_EVENT_BYTES - len(padded) - 2) + b'"}'
    assert read(longest, GOOD, longest)
    assert read(*[GOOD] * MAX_LINES)
    assert read(GOOD.replace(b"H01", "Sở Xây dựng".encode()))
