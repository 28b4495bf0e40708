"""A record of the inbox: one event, an array, or an envelope; whatever else it is, it is rejected with a reason."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbox.event_record import events_of_record, lines_of
from schemas.envelope import MAX_EVENT_BYTES, MAX_LINES, encode, encode_event
from schemas.events import AnyEvent, Received
from schemas.instant import LATEST
from tests.strategies import events

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LINE = (
    b'{"kind":"received","id":"e1","dossier":"D1","source":"s","occurred_at":"2026-01-05T08:30:00+07:00","agency":"H"}'
)


@given(st.lists(events(), min_size=1, max_size=5), st.integers(0, 2))
def test_events_are_read_in_each_of_the_three_forms(history: list[AnyEvent], indent: int) -> None:
    lines = [encode_event(event) for event in history]
    pretty = [msgspec.json.format(line, indent=indent * 2) for line in lines]
    for value in (encode(lines), b"[" + b",".join(pretty) + b"]", *([pretty[0]] if len(history) == 1 else [])):
        read = events_of_record(value, LATEST)
        assert [event for _, event in read.events] == history
        assert [number for number, _ in read.events] == list(range(len(history)))
        assert not read.rejections


@given(st.none() | st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
def test_whatever_the_bytes_are_each_line_is_an_event_or_rejected(value: bytes | None) -> None:
    read = events_of_record(value, NOW)
    found = sorted([number for number, _ in read.events] + [each.line for each in read.rejections])
    assert found == list(range(max(1, len(lines_of(value)))))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"[]", "empty"),
        (b"{", "malformed"),
        (b"7", "invalid"),
        (b"[7]", "invalid"),
        (b'{"kind":"exploded"}', "unknown_kind"),
        (b'{"id":1}', "invalid"),
    ],
)
def test_what_is_no_event_says_why(value: bytes | None, reason: str) -> None:
    (rejection,) = events_of_record(value, NOW).rejections
    assert rejection.reason == reason


def test_one_bad_item_leaves_the_others_alone_and_keeps_its_own_bytes() -> None:
    read = events_of_record(b'[{"kind" :\r\n "x"},' + LINE + b"]", NOW)
    assert [(number, event.id) for number, event in read.events] == [(1, "e1")]
    assert [(each.line, each.reason, each.content) for each in read.rejections] == [
        (0, "unknown_kind", b'{"kind" :   "x"}')
    ]


def test_fields_that_no_event_has_are_gone() -> None:
    ((_, event),) = events_of_record(LINE[:-1] + ',"applicant":"Nguyễn Văn A"}'.encode(), NOW).events
    assert b"applicant" not in encode_event(event)


def test_more_events_than_a_record_may_have_are_put_aside_so_that_a_replay_divides_them() -> None:
    read = events_of_record(b"[" + b",".join([LINE] * (MAX_LINES + 1)) + b"]", NOW)
    assert not read.events
    (rejection,) = read.rejections
    assert rejection.reason == "too_many_lines"
    assert rejection.content == b"\n".join([LINE] * (MAX_LINES + 1))


def test_what_grows_too_long_in_nfc_is_not_published() -> None:
    # U+0958 is two letters in NFC, each three bytes long.
    text = "\u0958" * (MAX_EVENT_BYTES // 3 - 100)
    event = Received(id="e1", dossier="D1", source="s", occurred_at=NOW, agency=text)
    read = events_of_record(encode_event(event), NOW)
    assert not read.events
    assert read.rejections[0].reason in ("too_large", "invalid")
