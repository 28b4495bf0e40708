import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from unicodedata import normalize

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.envelope import (
    FUTURE_TOLERANCE,
    MAX_EVENT_BYTES,
    MAX_EVENTS,
    MAX_LINES,
    Decoded,
    Rejection,
    RejectReason,
    decode,
    decode_event,
    encode,
    encode_event,
)
from schemas.events import AnyEvent, Assigned, Received, TermSet
from schemas.instant import EARLIEST, LATEST
from tests.strategies import PUBLISHED, events

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LINE = (
    b'{"kind":"received","id":"e","dossier":"d","source":"s","occurred_at":"2026-06-01T12:00:00Z",'
    b'"agency":"A","channel":"online","seq":7,"fee_bearing":true}'
)
GOOD = Received(id="e", dossier="d", source="s", occurred_at=NOW, agency="A", channel="online", seq=7, fee_bearing=True)


def only(line: bytes, published_at: datetime = NOW) -> Rejection:
    """The rejection of a line that travels between two good ones, which must not suffer."""
    decoded = decode(b"\n".join([LINE, line, LINE]), published_at)
    assert decoded.events == [(0, GOOD), (2, GOOD)]
    [rejection] = decoded.rejections
    assert (rejection.line, rejection.content) == (1, line)
    return rejection


def assert_accounted(value: bytes, decoded: Decoded) -> None:
    """Every line is there exactly once, as an event within all limits or as a rejection with its bytes."""
    if [rejection.reason for rejection in decoded.rejections] in (["empty"], ["too_many_lines"]):
        assert not decoded.events
        assert decoded.rejections[0].content == value
        return
    lines = value.removesuffix(b"\n").split(b"\n")
    indexes = [index for index, _ in decoded.events] + [rejection.line for rejection in decoded.rejections]
    assert sorted(indexes) == list(range(len(lines)))
    assert [index for index, _ in decoded.events] == sorted(index for index, _ in decoded.events)
    for rejection in decoded.rejections:
        assert rejection.content == lines[rejection.line]
        assert rejection.reason in get_args(RejectReason)
        assert len(rejection.detail) < 600
        assert rejection.detail.isprintable()
    for _, event in decoded.events:
        assert_within_limits(event)


NUMBERS = {
    "seq": (0, 2**63 - 1),
    "number": (1, 1000),
    "amount": (0, 10**12),
    "score": (1, 5),
    **dict.fromkeys(("components", "digitised", "reused"), (0, 10_000)),
}


def assert_within_limits(event: AnyEvent) -> None:
    for field in event.__struct_fields__:
        value = getattr(event, field)
        if isinstance(value, str):
            assert 1 <= len(value) <= (200 if field == "reason" else 100)
            value.encode()  # no lone surrogates
        elif isinstance(value, datetime):
            assert EARLIEST <= value.astimezone(UTC) < LATEST
        elif value is not None and not isinstance(value, bool):
            least, most = NUMBERS[field]
            assert type(value) is int
            assert least <= value <= most


@pytest.mark.slow
@given(st.lists(events(), min_size=1, max_size=20))
def test_events_come_back_in_order(sent: list[AnyEvent]) -> None:
    value = encode(encode_event(event) for event in sent)
    assert decode(value, PUBLISHED) == Decoded(list(enumerate(sent)), [])
    assert decode(value + b"\n", PUBLISHED) == Decoded(list(enumerate(sent)), [])


@given(st.binary(max_size=300))
@example(b"\n")
@example(b"\n\n")
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_read(value: bytes) -> None:
    assert_accounted(value, decode(value, NOW))


@pytest.mark.slow
@given(st.lists(st.one_of(st.just(LINE), st.binary(max_size=20), events().map(encode_event)), min_size=1, max_size=12))
def test_a_bad_line_takes_no_other_along(lines: list[bytes]) -> None:
    value = b"\n".join(lines)
    decoded = decode(value, NOW)
    assert_accounted(value, decoded)
    # What becomes of a line depends on nothing but the line.
    split = value.removesuffix(b"\n").split(b"\n")
    alone = [decode(line, NOW) for line in split if line]
    assert [event for _, event in decoded.events] == [event for one in alone for _, event in one.events]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(events(), st.data())
def test_any_value_in_any_field_is_read(event: AnyEvent, data: st.DataObject) -> None:
    fields = json.loads(encode_event(event))
    field = data.draw(st.sampled_from(sorted({*fields, "kind", "seq", "recorded_at", "extra"})))
    fields[field] = data.draw(_JSON)
    line = json.dumps(fields, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    assert_accounted(line, decode(line, PUBLISHED))


_BITS = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r", b"\0", b"\x01", b"\xff", b"\xc3", b"\xed\xa0\x80"),
    *(b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\\q", b"-", b"+", b"0", b"9" * 30, b"9" * 4300, b"1e400", b"1.0"),
    *(b"NaN", b"Infinity", b"null", b"true", b"[" * 2000, b'{"a":' * 2000, b'"kind":"voided",', b'"seq":-1,'),
    *(b'"number":1e3,', b"20211-", b"+24:00", b"0001-", b"9999-", "đ".encode(), b'"x":"\\ud800",', b"//", b" "),
)


def _mutated(random_: random.Random, value: bytes) -> bytes:
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        at, to = sorted(random_.choices(range(len(value) + 1), k=2))
        choice = random_.random()
        if choice < 0.3:
            value = value[:at] + bytes([random_.randrange(256)]) + value[at + 1 :]
        elif choice < 0.6:
            value = value[:at] + random_.choice(_BITS) + value[at + random_.choice((0, 1, 4)) :]
        elif choice < 0.7:
            value = value[:at] + value[to:]
        elif choice < 0.8:
            value = value[:to] + value[at:]
        elif choice < 0.9:
            value = value[:at] + value[at : at + 40].swapcase() + value[at + 40 :]
        else:
            value = value[:at]
    return value


_SAMPLES = (
    LINE,
    b'{"id":"e","kind":"paid","dossier":"d","source":"s","occurred_at":"2026-05-01T00:00:00.25+07:00","transaction":'
    b'"T","amount":50000,"method":"online","recorded_at":"2026-05-02T00:00:00Z"}',
    b'{"kind":"digitised","dossier":"d","id":"e","source":"s","occurred_at":"2026-05-01T00:00:00Z","components":9,'
    b'"digitised":4,"reused":1}',
    '{"kind":"amended","dossier":"Đ","id":"e","source":"s","occurred_at":"2026-05-01T00:00:00Z","received_at":'
    '"2026-04-01T00:00:00Z","agency":"Sở Xây dựng","extra":{"a":[1,2.5,"\\u00e9"]}}'.encode(),
)


@pytest.mark.slow
def test_twenty_thousand_mutations_are_read() -> None:
    random_ = random.Random(20260601)
    found: Counter[str] = Counter()
    for _ in range(20_000):
        value = _mutated(random_, b"\n".join(random_.choices(_SAMPLES, k=random_.choice((1, 1, 2, 3)))))
        decoded = decode(value, NOW)
        assert_accounted(value, decoded)
        found.update(rejection.reason for rejection in decoded.rejections)
        found["event"] += len(decoded.events)
    # The mutations reach what they are meant to reach.
    assert {"event", "malformed", "invalid", "unknown_kind", "future", "empty"} <= set(found)
    assert min(found["event"], found["malformed"], found["invalid"]) > 1000


@given(st.binary(max_size=12), st.integers(0, len(LINE)), st.integers(0, 12))
def test_bytes_put_anywhere_into_a_line_are_read(inserted: bytes, at: int, instead_of: int) -> None:
    value = LINE[:at] + inserted + LINE[at + instead_of :]
    assert_accounted(value, decode(value, NOW))


def put(old: str, new: str | bytes) -> bytes:
    assert LINE.count(old.encode()) == 1
    return LINE.replace(old.encode(), new if isinstance(new, bytes) else new.encode())


@pytest.mark.parametrize(
    ("line", "field", "detail"),
    [
        (put("2026-06-01", "20211-06-01"), "occurred_at", "occurred_at = '20211-06-01T12:00:00Z'"),
        (put("2026-06-01", "0021-06-01"), "occurred_at", "occurred_at = 0021-06-01T12:00:00+00:00"),
        (put("00:00Z", "00:00"), "occurred_at", "timezone"),
        (put('"2026-06-01T12:00:00Z"', "1767225600"), "occurred_at", "occurred_at = 1767225600"),
        (put(":7", ":" + "9" * 400), "seq", "seq = 999"),
        (put(":7", ":" + "9" * 5000), "seq", "out of range"),
        (put(":7", ":9223372036854775808"), "seq", "seq = 9223372036854775808"),
        (put(":7", ":7.0"), "seq", "seq = 7.0"),
        (put(":7", ":1e3"), "seq", "seq = 1000.0"),
        (put(":7", ":1e400"), "seq", "out of range"),
        (put(":7", ":null"), "seq", "seq = None"),
        (put(":7", ":" + "[" * 30_000 + "]" * 30_000), "seq", "got `array`"),
        (put(":7", ':"x","deep":' + "[" * 30_000 + "]" * 30_000), "seq", "got `str`"),
        (put(":7", ":-1,\xff".encode("latin-1")), "seq", ">= 0"),
        (put(":7", ":-1,"), "seq", ">= 0"),
        (put('"agency":"A",', ""), "agency", "missing required field `agency`"),
        (put('"kind":"received",', ""), "kind", "missing required field `kind`"),
        (put('"dossier":"d"', '"dossier":""'), "dossier", "dossier = ''"),
        (put("online", "fax"), "channel", "channel = 'fax'"),
        (put("true", "1"), "fee_bearing", "fee_bearing = 1"),
        (b"[]", "", "got `array`"),
        (b"null", "", "got `null`"),
    ],
)
def test_an_invalid_line_names_its_field_and_value(line: bytes, field: str, detail: str) -> None:
    rejection = only(line)
    assert (rejection.reason, rejection.field) == ("invalid", field)
    assert detail in rejection.detail


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b"received",
        b"\xef\xbb\xbf" + LINE,
        LINE[:-1],
        LINE + b"}",
        LINE + LINE,
        put(":7", ":NaN"),
        put(":7", ":-Infinity"),
        put(":7", ":07"),
        put('"dossier":"d"', b'"dossier":"\xff"'),
        put('"dossier":"d"', '"dossier":"\0"'),
        put('"dossier":"d"', '"dossier":"\\ud800"'),
        put('"dossier":"d"', '"dossier":"\\udc00\\ud800"'),
        put('"dossier":"d"', b'"dossier":"\xed\xa0\x80"'),
        put(":7", ':7,"deep":' + "[" * 30_000),
        put(":7", b':7,"unknown":"\xff"'),
        put("seq", b"s\xe9q"),
        put(":7", ':7,"deep":' + '{"a":' * 10_000 + "1" + "}" * 10_000),
    ],
    ids=lambda line: repr(line[:40] + b"..." + line[-20:]),
)
def test_what_is_no_json_is_malformed(line: bytes) -> None:
    assert only(line).reason == "malformed"


@pytest.mark.parametrize("kind", ["archived", "Received", "", "x\u0007\r" * 3000, "\U000e0001" * 100])
def test_a_kind_that_is_not_known_is_named(kind: str) -> None:
    rejection = only(put('"received"', json.dumps(kind)))
    assert (rejection.reason, rejection.field) == ("unknown_kind", "kind")
    assert f"kind = {kind!r:.200}" in rejection.detail
    assert rejection.detail.isprintable()
    assert len(rejection.detail) < 600


def test_a_line_as_long_as_allowed_is_read_and_a_longer_one_is_not() -> None:
    head = LINE.removesuffix(b"}") + b',"note":"'
    fits = head + b"x" * (MAX_EVENT_BYTES - len(head) - 2) + b'"}'
    assert decode(fits, NOW).events == [(0, GOOD)]
    assert only(fits.replace(b'x"}', b'xx"}')).reason == "too_large"
    assert only(head + b"x" * 2_000_000 + b'"}').reason == "too_large"


def test_line_ends_of_windows_are_white_space() -> None:
    assert decode(LINE + b"\r\n" + LINE + b"\r\n", NOW) == Decoded([(0, GOOD), (1, GOOD)], [])


def test_a_key_that_comes_twice_holds_what_came_last() -> None:
    [(_, event)] = decode(put('"id":"e"', '"id":"first","id":"last"'), NOW).events
    assert event.id == "last"


def test_an_escaped_nul_is_a_character_like_others() -> None:
    [(_, event)] = decode(put('"dossier":"d"', '"dossier":"a\\u0000b"'), NOW).events
    assert event.dossier == "a\0b"


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_a_value_is_one_rejection(value: bytes | None) -> None:
    decoded = decode(value, NOW)
    assert [(r.line, r.reason, r.content) for r in decoded.rejections] == [(0, "empty", b"")]
    assert not decoded.events


def test_an_envelope_with_too_many_lines_is_one_rejection() -> None:
    assert MAX_EVENTS < MAX_LINES
    most = b"\n".join([LINE] * MAX_LINES)
    assert len(decode(most, NOW).events) == MAX_LINES
    more = most + b"\n" + LINE
    decoded = decode(more, NOW)
    assert [(r.line, r.reason, r.content) for r in decoded.rejections] == [(0, "too_many_lines", more)]
    assert not decoded.events


FAR = timedelta(days=365 * 20)


@pytest.mark.parametrize("published_at", [NOW, NOW - FAR, NOW + FAR])
@pytest.mark.parametrize("field", ["occurred_at", "recorded_at", "received_at"])
def test_the_future_begins_an_hour_after_the_record_whatever_the_clock_says(field: str, published_at: datetime) -> None:
    last = published_at + FUTURE_TOLERANCE
    fields: dict[str, Any] = {"kind": "amended", "id": "e", "dossier": "d", "source": "s", "occurred_at": EARLIEST}
    at_last = msgspec.json.encode(fields | {field: last})
    assert [index for index, _ in decode(at_last, published_at).events] == [0]
    after = last + timedelta(microseconds=1)
    [rejection] = decode(msgspec.json.encode(fields | {field: after}), published_at).rejections
    assert (rejection.reason, rejection.field) == ("future", field)
    assert after.isoformat() in rejection.detail
    assert published_at.isoformat() in rejection.detail


def test_a_term_may_lie_in_the_future() -> None:
    line = put('"kind":"received"', '"term":"2099-12-31T00:00:00Z","kind":"term_set"')
    assert len(decode(line, NOW).events) == 1


@given(st.lists(st.sampled_from(_SAMPLES), max_size=5), st.sampled_from([NOW, PUBLISHED]))
def test_reading_again_gives_the_same(lines: Sequence[bytes], published_at: datetime) -> None:
    value = b"\n".join(lines)
    assert decode(value, published_at) == decode(value, published_at)


AGENCY = "Ủy ban nhân dân phường Bến Nghé, thành phố Hồ Chí Minh, bộ phận tiếp nhận và trả kết quả"
UNIT = "Tổ một cửa"


def written(form: Literal["NFC", "NFD"], *, escaped: bool, **more: object) -> bytes:
    """A line as foreign producers write it: in either Unicode form, and as escapes or not."""
    texts = {"kind": "assigned", "id": "é1", "dossier": "Đ/ế-1", "source": "một cửa", "agency": AGENCY, "unit": UNIT}
    line = {name: normalize(form, text) for name, text in texts.items()} | {"occurred_at": NOW.isoformat()} | more
    return json.dumps(line, ensure_ascii=escaped).encode()


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("company", [[], [LINE], [b"{"]], ids=["alone", "among events", "beside a broken line"])
def test_both_unicode_forms_of_a_text_are_one(escaped: bool, company: list[bytes]) -> None:
    # In NFD the agency has more characters than are allowed, and still is a name of the right length.
    assert len(normalize("NFD", AGENCY)) > 100 > len(AGENCY)
    lines = [written("NFC", escaped=escaped), written("NFD", escaped=escaped), *company]
    (_, composed), (_, decomposed), *_ = decode(encode(lines), NOW).events
    assert decomposed == composed
    assert isinstance(decomposed, Assigned)
    assert (decomposed.id, decomposed.dossier) == (normalize("NFC", "é1"), normalize("NFC", "Đ/ế-1"))
    assert (decomposed.agency, decomposed.unit) == (AGENCY, UNIT)
    assert decode_event(lines[1]) == composed


def test_an_escape_is_never_taken_for_the_letter_before_a_mark() -> None:
    event = decode_event(written("NFD", escaped=False, unit="line\n\u0301 and tab\t\u0302"))
    assert isinstance(event, Assigned)
    assert (event.unit, event.agency) == ("line\n\u0301 and tab\t\u0302", AGENCY)


def test_a_rejected_line_keeps_its_bytes_as_they_came() -> None:
    line = written("NFD", escaped=False, seq=-1)
    assert only(line).content == line


@pytest.mark.parametrize("digits", [7, 8, 9, 12])
@pytest.mark.parametrize("field", ["occurred_at", "recorded_at", "term"])
@pytest.mark.parametrize("beside", [b"", b"\nno event"], ids=["all fit", "one does not"])
def test_the_last_moment_of_a_day_stays_on_its_day_however_fine_it_is(field: str, digits: int, beside: bytes) -> None:
    said = {
        "occurred_at": "2026-05-30T00:00:00Z",
        "recorded_at": "2026-06-01T12:00:00Z",
        "term": "2026-05-30T00:00:00Z",
    }
    said |= {
        "kind": "term_set",
        "id": "e",
        "dossier": "d",
        "source": "s",
        field: f"2026-05-31T23:59:59.{'9' * digits}+07:00",
    }
    fine = json.dumps(said).encode()
    decoded = decode(fine + beside, NOW)
    assert getattr(decoded.events[0][1], field) == datetime(2026, 5, 31, 16, 59, 59, 999_999, tzinfo=UTC)
    assert getattr(decode_event(fine), field) == getattr(decoded.events[0][1], field)


@pytest.mark.parametrize("term", ["\\u0074erm", "term"])
@pytest.mark.parametrize(
    "second", ["59\\u002E9999999", "5\\u0039.9999999", "59.999999\\u0039", "59.9999999\\u002B07:00"]
)
@pytest.mark.parametrize("unit", ["T", normalize("NFD", "Tổ"), "To\\u0302\\u0309"])
def test_an_instant_is_cut_and_a_text_composed_however_they_are_escaped(term: str, second: str, unit: str) -> None:
    at = f"2026-05-31T23:59:{second}" + ("" if second.endswith("07:00") else "+07:00")
    received = '"source":"s","occurred_at":"2026-05-30T00:00:00Z"'
    fine = f'{{"kind":"term_set","id":"e","dossier":"{unit}",{received},"{term}":"{at}"}}'.encode()
    for beside in (b"", b"\nno event"):
        ((_, event),) = decode(fine + beside, NOW).events
        assert isinstance(event, TermSet)
        assert event.term == datetime(2026, 5, 31, 16, 59, 59, 999_999, tzinfo=UTC)
        assert event.dossier == (unit if unit == "T" else "Tổ")
        assert decode_event(fine) == event


@pytest.mark.parametrize("at", ["23:59:60", "24:00:00"])
def test_a_leap_second_and_the_hour_24_are_refused_since_nobody_knows_their_day(at: str) -> None:
    found = only(LINE.replace(b"12:00:00Z", f"{at}Z".encode()))
    assert (found.reason, found.field) == ("invalid", "occurred_at")
    assert at in found.detail


@pytest.mark.parametrize("before", [0, 1, MAX_EVENT_BYTES // 2, MAX_EVENT_BYTES])
@pytest.mark.parametrize("after", [0, 1, MAX_EVENT_BYTES // 2])
def test_a_line_that_is_too_long_is_found_wherever_it_lies(before: int, after: int) -> None:
    long = LINE.replace(b'"A"', b'"A"' + b" " * (MAX_EVENT_BYTES - len(LINE)))
    lines = [LINE + b" " * before, long, LINE + b" " * after]
    assert len(long) == MAX_EVENT_BYTES
    assert [rejection.reason for rejection in decode(b"\n".join(lines), NOW).rejections] == ["too_large"] * (
        before == MAX_EVENT_BYTES
    )
    lines[1] += b" "
    assert {rejection.line for rejection in decode(b"\n".join(lines), NOW).rejections} >= {1}
