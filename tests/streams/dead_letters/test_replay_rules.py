from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.envelope import (
    FUTURE_TOLERANCE,
    MAX_EVENT_BYTES,
    MAX_LINES,
    Decoded,
    Rejection,
    RejectReason,
    decode,
    encode,
    encode_event,
)
from schemas.events import AnyEvent, Paid, Received
from schemas.instant import LATEST
from streams.dead_letters.replay_rules import ADVICE, events_in
from streams.dead_letters.table import Place, StoredDeadLetter
from streams.errors import NotReplayable
from tests.strategies import events
from tests.streams.cases import at, said

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RECEIVED = said(Received, "2026-03-02 08:00", agency="H01")


def letter(reason: RejectReason, *, erased: bool = False) -> StoredDeadLetter:
    return StoredDeadLetter(Place(3, 12, 0), reason, "", "", "", NOW, "open", "", erased, None)


def refusal(reason: RejectReason, content: bytes, now: datetime = NOW, *, erased: bool = False) -> str:
    with pytest.raises(NotReplayable) as refused:
        events_in(letter(reason, erased=erased), content, now)
    return str(refused.value)


@given(
    st.lists(events(), min_size=1, max_size=5),
    st.sampled_from(sorted({*get_args(RejectReason)} - {"empty", "full", "unmapped"})),
)
def test_events_are_replayed_as_they_are(history: list[AnyEvent], reason: RejectReason) -> None:
    lines = [encode_event(event) for event in (history if reason == "too_many_lines" else history[:1])]
    assert events_in(letter(reason), encode(lines), LATEST) == history[: len(lines)]


def test_what_a_full_dossier_did_not_take_is_replayed_only_as_something_else() -> None:
    line = encode_event(said(Paid, "2026-03-02 08:00", transaction="T1001", amount=5, method="online"))
    assert "full for good" in refusal("full", line)
    assert len(events_in(letter("full"), line, NOW, corrected=True)) == 1


@given(st.binary(max_size=200) | events().map(encode_event), st.datetimes(datetime(2000, 1, 2), datetime(2099, 1, 1)))
def test_what_is_replayed_is_counted_by_any_broker_whose_clock_is_not_an_hour_behind(
    content: bytes, naive: datetime
) -> None:
    now = naive.replace(tzinfo=UTC)
    try:
        found = events_in(letter("malformed"), content, now)
    except NotReplayable:
        return
    decoded = decode(encode(map(encode_event, found)), now - FUTURE_TOLERANCE)
    assert [event for _, event in decoded.events] == found
    assert not decoded.rejections


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty: "),
        (b"{", "malformed: "),
        (b"\xff", "malformed: "),
        (b'{"kind":"exploded"}', "unknown_kind: "),
        (b'{"kind":"received","id":"","dossier":"D1"}', "invalid: "),
        (b" " * (MAX_EVENT_BYTES + 1), "too_large: "),
        (encode_event(RECEIVED) + b"\n\n", "the content has 2 lines, but an event is one line of JSON"),
    ],
)
def test_what_would_be_a_dead_letter_again_is_refused_with_its_reason(content: bytes, told: str) -> None:
    assert refusal("malformed", content).startswith(told)


def test_the_end_of_a_files_only_line_is_no_second_line() -> None:
    assert events_in(letter("malformed"), encode_event(RECEIVED) + b"\n", NOW) == [RECEIVED]


def test_a_future_event_waits_until_its_time_has_passed_altogether() -> None:
    line = encode_event(RECEIVED)
    for early in (timedelta(microseconds=1), FUTURE_TOLERANCE, timedelta(days=9)):
        told = refusal("future", line, at("2026-03-02 08:00") - early)
        assert told == "future: replay it after 2026-03-02T08:00:00+07:00, its occurred_at"
    assert events_in(letter("future"), line, at("2026-03-02 08:00")) == [RECEIVED]


def test_a_record_without_a_value_has_nothing_to_replay() -> None:
    assert "discard it" in refusal("empty", b"")
    assert "discard it" in refusal("empty", encode_event(RECEIVED))


def test_what_was_erased_can_only_be_given_anew() -> None:
    assert "--content" in refusal("malformed", b"", erased=True)
    assert events_in(letter("malformed", erased=True), encode_event(RECEIVED), NOW) == [RECEIVED]


def test_a_record_of_too_many_lines_is_replayed_whole_or_not_at_all() -> None:
    lines = [encode_event(said(Received, "2026-03-02 08:00", agency="H01", seq=n)) for n in range(MAX_LINES + 1)]
    assert [event.seq for event in events_in(letter("too_many_lines"), encode(lines), NOW)] == list(range(len(lines)))
    lines[7], lines[9] = b"{", b""
    told = refusal("too_many_lines", encode(lines))
    assert told.startswith(f"line 7 of {MAX_LINES + 1}: malformed: ")
    assert told.endswith(" (and 1 more of its lines)")


def test_what_is_foreign_is_replayed_by_a_mapping_or_as_a_correction() -> None:
    line = encode_event(RECEIVED)
    assert "--mapping" in refusal("unmapped", b'{"ma":"D1"}')
    assert events_in(letter("unmapped"), line, NOW, corrected=True) == [RECEIVED]
    asked: list[tuple[bytes, datetime, datetime]] = []

    def rule(content: bytes, published_at: datetime, now: datetime) -> Decoded:
        asked.append((content, published_at, now))
        wrong = [] if content else [Rejection(0, "unmapped", "ma", "is empty", b"")]
        return Decoded([(0, RECEIVED)] if content != b"{}" else [], wrong)

    assert events_in(letter("unmapped"), b'{"ma":"D1"}', NOW, rule=rule) == [RECEIVED]
    assert asked == [(b'{"ma":"D1"}', NOW, NOW - FUTURE_TOLERANCE)]
    with pytest.raises(NotReplayable, match="unmapped: is empty"):
        events_in(letter("unmapped"), b"", NOW, rule=rule)
    with pytest.raises(NotReplayable, match="the mapping gives no event for it"):
        events_in(letter("unmapped"), b"{}", NOW, rule=rule)


def test_a_record_of_which_nothing_was_kept_must_be_given() -> None:
    foreign = structs.replace(letter("malformed"), place=Place(0, 1, 0, "so-gddt"))
    with pytest.raises(NotReplayable, match="nothing of its record was kept: give it with --content"):
        events_in(foreign, b"", NOW)


def test_every_reason_says_what_to_do() -> None:
    assert ADVICE.keys() == set(get_args(RejectReason))
