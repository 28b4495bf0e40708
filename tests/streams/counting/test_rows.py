from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.fuzz.column_ranges import misfits
from schemas.counters import COUNTERS
from schemas.dead_letter import dead_letter
from schemas.envelope import MAX_LINES, Rejection
from schemas.events import PAYLOAD_FIELDS, AnyEvent, Event, Extended, Received, TermSet
from schemas.instant import LATEST, from_micros, to_micros
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.contributions import contributions, on_time
from streams.counting.dead_letter_limit import LimitWindow
from streams.counting.facts import Facts, Payment, Refund
from streams.counting.ledger import Ledger
from streams.counting.log_position import MAX_EPOCH, pack
from streams.counting.packed_counters import packed
from streams.counting.record import Record, offset_gap
from streams.counting.registers import pack as pack_registers
from streams.counting.registers import register_of
from streams.counting.rows import dead_row, facts_row, payload_json, progress_row, window_columns, window_row
from streams.counting.store_interface import LastRecord, Row, Stored
from tests.strategies import conflicting_events, events_of
from tests.streams.cases import DATE, INSTANT, at, event_row, facts, joined, micros, said
from tests.thorough import sized

RECORD = Record(7, 123, 1_767_225_600_000, b"")
LAST = Record(2**16 - 1, 2**40 - 1, 10**18, None)


def named(table: Table, row: Row) -> dict[str, Any]:
    return dict(zip(table.columns, row, strict=True))


def test_an_event_is_a_row_with_its_place() -> None:
    event = said(Received, "2026-03-02 08:00", agency="H01", id="e1", seq=4, recorded_at=at("2026-03-03 08:00"))
    assert named(EVENTS, event_row(event, RECORD, 5, epoch=6)) == {
        "dossier": "D1",
        "id": "e1",
        "kind": "received",
        "source": "test",
        "occurred_at": micros("2026-03-02 08:00"),
        "recorded_at": micros("2026-03-03 08:00"),
        "seq": 4,
        "payload": b'{"agency":"H01","channel":"direct","fee_bearing":false}',
        "published_at": 1_767_225_600_000,
        "partition": 7,
        "offset": 123,
        "line": 5,
        "epoch": 6,
    }


def test_an_event_recorded_at_once_has_one_time() -> None:
    row = named(EVENTS, event_row(said(Received, "2026-03-02 08:00", agency="H01"), RECORD, 0))
    assert row["recorded_at"] == row["occurred_at"] == micros("2026-03-02 08:00")


def test_each_fact_is_in_the_column_of_its_name() -> None:
    case = Facts(
        case_kind="dossier",
        voided=True,
        agency="agency",
        receiver="receiver",
        channel="channel",
        procedure="procedure",
        fee_bearing=True,
        received_at=1,
        term_original=2,
        term=3,
        extended_at=(4, 5),
        apologies=6,
        step="step",
        unit="unit",
        official="official",
        step_at=7,
        supplement_requested_at=(8, 9),
        suspension="pause",
        suspended_at=10,
        outcome="resolved",
        outcome_at=11,
        electronic_result=True,
        returned_at=12,
        payments=(Payment(13, 14, True, 15), Payment(16, 17, False, 18)),
        refunds=(Refund(19, 20),),
        digitised_at=21,
        components=22,
        components_digitised=23,
        components_reused=24,
        rated_at=25,
        satisfied=True,
        score=4,
    )
    row = named(FACTS, facts_row("D1", 26, Stored(27, b"state", 28), case, INSTANT))
    assert {name: value for name, value in row.items() if name not in Facts.__struct_fields__} == {
        "dossier": "D1",
        "pos": 27,
        "partition": 26,
        "number": 28,
        "registers": b"state",
        "on_time": False,
        "payment_at": [13, 16],
        "payment_amount": [14, 17],
        "payment_online": [True, False],
        "payment_refunded": [15, 18],
        "refund_at": [19],
        "refund_amount": [20],
    }
    plain = set(Facts.__struct_fields__) - {"payments", "refunds"}
    assert {name: row[name] for name in plain} == {name: getattr(case, name) for name in plain}


@pytest.mark.parametrize(("outcome_at", "stored"), [(None, None), (3, True), (4, False)])
def test_in_time_is_null_without_an_outcome(outcome_at: int | None, stored: bool | None) -> None:
    case = Facts(case_kind="dossier", term=3, outcome_at=outcome_at)
    assert named(FACTS, facts_row("D1", 0, Stored(1, b""), case, INSTANT))["on_time"] is stored


def test_counts_are_in_the_columns_of_their_counters() -> None:
    row = named(WINDOWS, window_row(("H01", 1_772_000_100), 3, 99, list(range(len(COUNTERS)))))
    assert row == {"agency": "H01", "window": 1_772_000_100, "partition": 3, "pos": 99} | {
        counter: index for index, counter in enumerate(COUNTERS)
    }
    (same,) = zip(*window_columns(3, [("H01", 1_772_000_100, 99, packed(range(len(COUNTERS))))]), strict=True)
    assert named(WINDOWS, same) == row


def test_progress_behind_a_gap_still_names_the_last_record() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    row = named(
        PROGRESS,
        progress_row("events", 2, offset_gap(7, 124, 130), now, last_record=LastRecord(123, 1_767_225_600_000)),
    )
    assert (row["offset"], row["record_offset"], row["published_at"]) == (130, 123, 1_767_225_600_000)
    assert row["pos"] == pack(2, 131, 0) - 1


def test_progress_is_after_the_record_it_names_and_before_the_next() -> None:
    now = datetime(2026, 3, 2, 1, 2, 3, 456_789, tzinfo=UTC)
    row = named(PROGRESS, progress_row("events", 2, RECORD, now, LimitWindow(70, 6), ledger=Ledger(120, 4, 9)))
    assert pack(2, 123, MAX_LINES - 1) == row.pop("pos") < pack(2, 124, 0)
    assert row == {
        "topic": "events",
        "partition": 7,
        "offset": 123,
        "published_at": 1_767_225_600_000,
        "written_at": to_micros(now) // 1000,
        "window_lines": 70,
        "window_dead": 6,
        "record_offset": 123,
        "records": 120,
        "skipped": 4,
        "dossiers": 9,
    }


def test_a_dead_letter_keeps_its_line() -> None:
    letter = dead_letter("events", 7, 123, LATEST, Rejection(5, "malformed", "f", "what", b"\xff\x00"))
    assert named(DEAD_LETTERS, dead_row(letter)) == {
        "topic": "events",
        "partition": 7,
        "offset": 123,
        "line": 5,
        "reason": "malformed",
        "field": "f",
        "detail": "what",
        "content": b"\xff\x00",
        "published_at": to_micros(LATEST) // 1000,
    }


@settings(max_examples=sized(10, 200))
@given(history=st.lists(events_of("D1") | conflicting_events(("Đ" * 100,)), min_size=1, max_size=10))
def test_whatever_is_decoded_fits_its_columns(history: list[AnyEvent]) -> None:
    for event in history:
        assert not misfits(EVENTS, event_row(event, LAST, MAX_LINES - 1))
    stored = Stored(pack(MAX_EPOCH, LAST.offset, MAX_LINES - 1), pack_registers(joined(*history)))
    assert not misfits(FACTS, facts_row("Đ" * 100, LAST.partition, stored, facts(*history), DATE))
    for window, counters in contributions(facts(*history), DATE).items():
        counts = [counters.get(counter, 0) for counter in COUNTERS]
        assert not misfits(WINDOWS, window_row(window, LAST.partition, stored.pos, counts))


@pytest.mark.parametrize("timestamp", [-(2**63), -1, 0, 10**18, 2**63 - 1])
def test_a_record_of_any_timestamp_fits(timestamp: int) -> None:
    record = LAST if timestamp == 10**18 else msgspec.structs.replace(RECORD, timestamp=timestamp)
    assert not misfits(PROGRESS, progress_row("events", MAX_EPOCH, record, LATEST))
    assert not misfits(EVENTS, event_row(said(Received, "2026-03-02 08:00", agency="H01"), record, 0))
    published = from_micros(record.published * 1000)
    assert not misfits(
        DEAD_LETTERS, dead_row(dead_letter("events", 7, 1, published, Rejection(0, "empty", "", "", b"")))
    )


def payload(event: Event) -> bytes:
    register = register_of(event)
    return payload_json(register[3], register[5])


def test_one_instant_gives_the_same_payload_however_its_offset_is_written() -> None:
    term = at("2026-03-10 17:00")
    spellings = [term, term.astimezone(UTC), term.astimezone(timezone(-timedelta(hours=9, minutes=30)))]
    payloads = {payload(said(TermSet, "2026-03-02 08:00", term=spelling)) for spelling in spellings}
    assert payloads == {b'{"term":"2026-03-10T10:00:00Z"}'}


@settings(max_examples=sized(10, 200))
@given(event=events_of("D1"))
def test_a_payload_gives_the_fields_back(event: AnyEvent) -> None:
    kind = str(event.__struct_config__.tag)
    fields = msgspec.json.decode(payload(event))
    header = {name: getattr(event, name) for name in ("id", "dossier", "source", "occurred_at", "recorded_at", "seq")}
    assert fields.keys() <= set(PAYLOAD_FIELDS[kind])
    assert msgspec.convert(header | fields | {"kind": kind}, type(event)) == event


def test_fields_at_their_default_are_written_out_and_unknown_ones_left_out() -> None:
    event = said(Extended, "2026-03-02 08:00", term=at("2026-03-10 17:00"))
    assert msgspec.json.decode(payload(event)) == {"term": "2026-03-10T10:00:00Z", "number": 1, "apology": False}


def test_facts_are_in_time_by_the_rule_of_the_profile() -> None:
    case = Facts(case_kind="dossier", term=micros("2026-03-10 09:00"), outcome_at=micros("2026-03-10 10:00"))
    rows = [named(FACTS, facts_row("D1", 0, Stored(1, b""), case, profile)) for profile in (INSTANT, DATE)]
    assert [row["on_time"] for row in rows] == [False, True] == [on_time(case, INSTANT), on_time(case, DATE)]
