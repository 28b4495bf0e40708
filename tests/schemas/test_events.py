import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given

from schemas.envelope import decode_event, encode_event
from schemas.events import KINDS, PAYLOAD_FIELDS, AnyEvent, Received
from tests.strategies import MOMENTS, conflicting_events, events, events_of

HEADER: dict[str, Any] = {"id": "e", "dossier": "d", "source": "s", "occurred_at": "2026-01-01T00:00:00+07:00"}
LEAST: dict[str, dict[str, Any]] = {
    "received": {"agency": "A"},
    "feedback_received": {"agency": "A"},
    "progressed": {"step": "1"},
    "assigned": {"agency": "A"},
    "transferred": {"agency": "A"},
    "term_set": {"term": "2026-02-01T00:00:00Z"},
    "extended": {"term": "2026-02-01T00:00:00Z"},
    "supplement_requested": {},
    "supplement_answered": {},
    "obligation_set": {},
    "obligation_met": {},
    "paused": {},
    "resumed": {},
    "resolved": {},
    "withdrawn": {},
    "refused": {},
    "stopped": {},
    "reopened": {},
    "feedback_answered": {},
    "returned": {},
    "paid": {"transaction": "T", "amount": 0, "method": "cash"},
    "refunded": {"transaction": "T", "amount": 0},
    "digitised": {"components": 3},
    "rated": {"satisfied": False},
    "amended": {},
    "voided": {},
}
"""What each kind must carry beside the header: the contract with every source."""


def read(kind: str, **fields: Any) -> AnyEvent:
    return decode_event(json.dumps({"kind": kind, **HEADER, **LEAST[kind], **fields}).encode())


def refused(kind: str, **fields: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as raised:
        read(kind, **fields)
    return str(raised.value)


def test_these_are_all_the_kinds() -> None:
    assert set(KINDS) == set(LEAST) == set(PAYLOAD_FIELDS)


@pytest.mark.parametrize("kind", LEAST)
def test_a_kind_is_read_from_what_it_must_carry(kind: str) -> None:
    event = read(kind)
    assert type(event) is KINDS[kind]
    assert (event.id, event.dossier, event.source, event.seq) == ("e", "d", "s", 0)
    assert event.recorded == event.occurred_at


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, payload in LEAST.items() for field in (*HEADER, *payload)]
)
def test_what_a_kind_must_carry_must_be_there(kind: str, field: str) -> None:
    fields = {"kind": kind, **HEADER, **LEAST[kind]}
    del fields[field]
    with pytest.raises(msgspec.ValidationError, match=f"required field `{field}`"):
        decode_event(json.dumps(fields).encode())


@given(events())
def test_an_event_is_read_back_as_it_was_written(event: AnyEvent) -> None:
    assert decode_event(encode_event(event)) == event


@pytest.mark.slow
@given(events_of("H01.2026.9"), conflicting_events())
def test_the_strategies_make_what_they_say(event: AnyEvent, conflicting: AnyEvent) -> None:
    assert event.dossier == "H01.2026.9"
    assert conflicting.id in {"e1", "e2", "e3"}


@given(events())
def test_fields_that_are_not_known_are_passed_over(event: AnyEvent) -> None:
    fields = json.loads(encode_event(event))
    fields |= {"operator": {"name": ["x", None, 1.5]}, "": 1, "kinds": "no"}
    assert decode_event(json.dumps(fields).encode()) == event


@pytest.mark.parametrize(
    ("kind", "field", "least", "most"),
    [
        ("received", "seq", 0, 2**63 - 1),
        ("extended", "number", 1, 1000),
        ("supplement_requested", "number", 1, 1000),
        ("supplement_answered", "number", 1, 1000),
        ("obligation_set", "number", 1, 1000),
        ("obligation_set", "amount", 0, 10**12),
        ("obligation_met", "number", 1, 1000),
        ("paused", "number", 1, 1000),
        ("resumed", "number", 1, 1000),
        ("paid", "amount", 0, 10**12),
        ("refunded", "amount", 0, 10**12),
        ("digitised", "components", 0, 10_000),
        ("rated", "score", 1, 5),
    ],
)
def test_a_number_lies_within_its_limits(kind: str, field: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(read(kind, **{field: value}), field) == value
    mistakes: list[Any] = [least - 1, most + 1, 2**64, 10**400, 1.0, 1.5, "1", True, [1], {}]
    for wrong in mistakes:
        assert f"`$.{field}`" in refused(kind, **{field: wrong})


TEXTS = [
    *((kind, field, 100) for kind in ("received", "voided") for field in ("id", "dossier", "source")),
    *((kind, "agency", 100) for kind in ("received", "feedback_received", "assigned", "transferred", "amended")),
    ("received", "procedure", 100),
    ("received", "receiver", 100),
    ("amended", "procedure", 100),
    ("progressed", "step", 100),
    ("progressed", "unit", 100),
    ("assigned", "unit", 100),
    ("transferred", "previous_agency", 100),
    ("paid", "transaction", 100),
    ("paid", "gateway", 100),
    ("refunded", "transaction", 100),
    *((kind, "reason", 200) for kind in ("extended", "supplement_requested", "paused", "withdrawn", "refused")),
    *((kind, "reason", 200) for kind in ("stopped", "reopened", "voided")),
]


@pytest.mark.parametrize(("kind", "field", "most"), TEXTS)
def test_a_text_has_a_length_within_its_limits(kind: str, field: str, most: int) -> None:
    for value in ("ắ", "\0", "😀" * most):
        assert getattr(read(kind, **{field: value}), field) == value
    for wrong in ("", "a" * (most + 1), 1, ["a"], b"a".hex() * most):
        assert f"`$.{field}`" in refused(kind, **{field: wrong})


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("received", "occurred_at"),
        ("returned", "recorded_at"),
        ("term_set", "occurred_at"),
        ("term_set", "term"),
        ("extended", "recorded_at"),
        ("extended", "term"),
        ("digitised", "occurred_at"),
        ("amended", "occurred_at"),
        ("amended", "received_at"),
    ],
)
def test_an_instant_has_an_offset_and_a_year_that_can_be(kind: str, field: str) -> None:
    for value in MOMENTS:
        assert getattr(read(kind, **{field: value.isoformat()}), field) == value
    # What is finer than a microsecond is cut: rounded up, this would be of 2100.
    last = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert getattr(read(kind, **{field: "2099-12-31T23:59:59.9999999Z"}), field) == last
    for wrong in (
        "2026-01-01T00:00:00",
        "2026-01-01",
        "20211-01-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "1999-12-31T23:59:59.999999Z",
        "2100-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.999999-14:00",
        "",
        1_767_225_600,
        1.5,
    ):
        assert field in refused(kind, **{field: wrong})


@pytest.mark.parametrize(
    ("kind", "field", "values"),
    [
        ("received", "channel", ("direct", "online", "postal")),
        ("feedback_received", "channel", ("direct", "online", "postal")),
        ("amended", "channel", ("direct", "online", "postal")),
        ("paid", "method", ("online", "cash", "transfer")),
    ],
)
def test_a_choice_is_one_of_the_known(kind: str, field: str, values: tuple[str, ...]) -> None:
    for value in values:
        assert getattr(read(kind, **{field: value}), field) == value
    for wrong in ("", "Online", "fax", 1):
        assert f"`$.{field}`" in refused(kind, **{field: wrong})


def test_parts_do_not_exceed_the_whole() -> None:
    assert read("digitised", components=3, digitised=3, reused=3)
    for field in ("digitised", "reused"):
        message = refused("digitised", components=3, **{field: 4})
        assert f"{field} = 4" in message
        assert "components = 3" in message


def test_what_is_not_said_is_not_known() -> None:
    amended: Any = read("amended")
    assert all(getattr(amended, field) is None for field in PAYLOAD_FIELDS["amended"])
    assert read("voided").voided  # type: ignore[union-attr]


@given(events())
def test_a_record_was_made_when_it_says_or_at_once(event: AnyEvent) -> None:
    assert event.recorded == (event.occurred_at if event.recorded_at is None else event.recorded_at)


def test_events_are_values() -> None:
    event = Received(id="e", dossier="d", source="s", occurred_at=MOMENTS[1], agency="A")
    with pytest.raises(AttributeError):
        event.agency = "B"  # type: ignore[misc]
    with pytest.raises(ValueError, match="occurred_at"):
        Received(id="e", dossier="d", source="s", occurred_at=MOMENTS[-1] + timedelta(days=1), agency="A")
