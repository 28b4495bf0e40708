"""A record's lines are the same however large its envelope is: large ones are read column by column."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.envelope import encode, encode_event
from schemas.events import AnyEvent, Received
from schemas.instant import LATEST, to_micros
from streams.counting import record_lines
from streams.counting.record import Record
from streams.counting.record_lines import RecordLines, read_lines
from tests.strategies import events
from tests.streams.cases import at, said
from tests.thorough import sized

TIME = to_micros(LATEST) // 1000 - 1
SPOILED = st.sampled_from([b"", b"{}", b"null", b"\xff", b'{"kind":"archived"}', b'"\\u0041"'])


def read(record: Record, smallest: int, misplaced: set[str] | None = None) -> tuple[object, ...]:
    """What is read where envelopes of so many bytes are read column by column."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_lines, "_SMALL", smallest)
        found = read_lines(record, misplaced)
    return (
        record,
        *(list(each) for each in (found.lines, found.dossiers, found.sources, found.registers, found.rejections)),
    )


@pytest.mark.slow
@settings(max_examples=sized(60, 400), suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(events().map(encode_event), min_size=1, max_size=12), spoiled=st.none() | SPOILED)
def test_a_large_envelope_is_read_as_a_small_one(lines: list[bytes], spoiled: bytes | None) -> None:
    record = Record(1, 7, TIME, encode(lines if spoiled is None else [*lines, spoiled, *lines]))
    assert read(record, 0) == read(record, 10**9)


@given(sent=st.lists(events(), min_size=1, max_size=8))
def test_events_of_misplaced_dossiers_are_rejected(sent: list[AnyEvent]) -> None:
    record = Record(1, 7, TIME, encode(map(encode_event, sent)))
    misplaced = {sent[0].dossier}
    found = read_lines(record, misplaced)
    assert found.dossiers == [event.dossier for event in sent if event.dossier not in misplaced]
    assert [rejection.line for rejection in found.rejections] == [
        line for line, event in enumerate(sent) if event.dossier in misplaced
    ]
    assert read(record, 0, misplaced) == read(record, 10**9, misplaced)


def test_a_full_envelope_is_read_column_by_column(monkeypatch: pytest.MonkeyPatch) -> None:
    def singly(*_: object) -> None:
        raise AssertionError("it was read event by event")

    lines = [encode_event(said(Received, "2026-03-02 08:00", id=f"e{number}", agency="H01")) for number in range(500)]
    monkeypatch.setattr(record_lines, "decode", singly)
    found = read_lines(Record(1, 7, to_micros(at("2026-03-02 09:00")) // 1000, encode(lines)))
    assert [register[2] for register in found.registers] == [f"e{number}" for number in range(500)]


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_a_value_has_no_events(value: bytes | None) -> None:
    found: RecordLines = read_lines(Record(1, 7, TIME, value))
    assert not found.lines
    assert [rejection.reason for rejection in found.rejections] == ["empty"]
