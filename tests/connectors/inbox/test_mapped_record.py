"""Foreign JSON by a mapping: every object becomes events, or is put aside without what the mapping does not read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.mapping_file import decode_mapping
from connectors.inbox.mapped_record import MappedRecords
from connectors.inbox.redaction import REDACTED
from schemas.envelope import FUTURE_TOLERANCE, MAX_LINES, encode_event

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MAPPING = """
source = "land"
time_zone = "Asia/Ho_Chi_Minh"
rows = "data.items"
dossier = { column = "ma" }
[[events]]
kind = "received"
occurred_at = { column = "$.nhan" }
fields = { agency = { column = "donVi", values = { "1" = "H26.17" } } }
[[events]]
kind = "progressed"
occurred_at = { column = "$.buoc[*].luc" }
fields = { step = { column = "$.buoc[*].ten" }, official = { column = "$.buoc[*].canBo" } }
"""
PEOPLE = ["Nguyễn Văn A", "0912345678", "a@example.com", "001099012345", "12 Lê Lợi"]
RECORD: dict[str, Any] = {
    "ma": "D1",
    "nhan": "2026-01-05T08:30:00",
    "donVi": "1",
    "buoc": [{"luc": "2026-01-05T09:00:00", "ten": "nhận", "canBo": "cb7", "ghiChu": PEOPLE[0]}],
    "chuHoSo": {"hoTen": PEOPLE[0], "sdt": PEOPLE[1], "email": [PEOPLE[2]], "cccd": PEOPLE[3], "diaChi": PEOPLE[4]},
}
read = MappedRecords(decode_mapping(MAPPING.encode(), "m.toml"))


def value(*records: object) -> bytes:
    return msgspec.json.encode({"data": {"items": records}})


def test_each_object_gives_its_events_under_its_number() -> None:
    found = read(value(RECORD, RECORD | {"ma": "D2"}), NOW)
    assert [(number, event.dossier, event.__struct_config__.tag) for number, event in found.events] == [
        (0, "D1", "received"),
        (0, "D1", "progressed"),
        (1, "D2", "received"),
        (1, "D2", "progressed"),
    ]
    assert {event.recorded for _, event in found.events} == {NOW}


def test_the_same_record_again_gives_the_same_events_but_for_the_time_of_the_record() -> None:
    ids = [[event.id for _, event in read(value(RECORD), NOW + timedelta(days=day)).events] for day in (0, 1)]
    assert ids[0] == ids[1]


def test_nothing_about_people_is_in_an_event_or_in_what_is_put_aside() -> None:
    wrong = RECORD | {"donVi": "2", "buoc": [RECORD["buoc"][0] | {"canBo": PEOPLE[0]}]}
    found = read(value(RECORD, wrong), NOW)
    (rejection,) = found.rejections
    assert (rejection.line, rejection.reason, rejection.field) == (1, "unmapped", "donVi")
    assert "donVi received: is not one of 1; $.buoc[0].canBo progressed: " in rejection.detail
    kept = msgspec.json.decode(rejection.content)
    step = {"luc": "2026-01-05T09:00:00", "ten": "nhận", "canBo": REDACTED}
    assert kept == {"ma": "D1", "nhan": "2026-01-05T08:30:00", "donVi": "2", "buoc": [step]}
    published = b"".join(encode_event(event) for _, event in found.events) + msgspec.json.encode(rejection)
    for personal in PEOPLE:
        assert personal.encode() not in published


def test_what_was_put_aside_is_read_again_by_a_better_mapping() -> None:
    found = read(value(RECORD | {"donVi": "2"}), NOW)
    better = MAPPING.replace('"1" =', '"2" = "H26.18", "1" =').replace('rows = "data.items"\n', "")
    again = MappedRecords(decode_mapping(better.encode(), "m"))(found.rejections[0].content, NOW)
    assert not again.rejections
    assert {event.id for _, event in found.events} < {event.id for _, event in again.events}


@pytest.mark.parametrize(
    ("content", "reason", "detail"),
    [
        (None, "empty", "the record has no value"),
        (b" ", "empty", "the record has no value"),
        (b"{", "malformed", "is not JSON (DecodeError); its 1 bytes are not kept"),
        (b"\xff", "malformed", "is not JSON"),
        (b"[" * 100_000, "malformed", "is not JSON (RecursionError)"),
        (b"{}", "unmapped", "there is nothing at rows = 'data.items'"),
        (b'{"data":{"items":[7]}}', "unmapped", "is not a JSON object"),
    ],
)
def test_a_record_that_cannot_be_read_is_put_aside_without_its_bytes(
    content: bytes | None, reason: str, detail: str
) -> None:
    (rejection,) = read(content, NOW).rejections
    assert (rejection.reason, rejection.content) == (reason, b"")
    assert rejection.detail.startswith(detail)


def test_too_many_objects_are_put_aside_as_a_whole() -> None:
    (rejection,) = read(value(*[{}] * (MAX_LINES + 1)), NOW).rejections
    assert rejection.reason == "too_many_lines"


def test_times_are_judged_by_the_record_or_by_the_given_limit() -> None:
    ahead = RECORD | {"nhan": (NOW + FUTURE_TOLERANCE * 2).isoformat(), "buoc": []}
    assert "lies in the future" in read(value(ahead), NOW).rejections[0].detail
    assert not read(value(ahead), NOW, NOW + timedelta(days=1)).rejections


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ma", "nhan", "donVi", "buoc", "luc", "ten", "canBo", "x"]), inner)
    ),
    max_leaves=10,
)


@given(st.lists(values, max_size=4))
def test_whatever_comes_each_object_is_mapped_or_put_aside_once(records: list[Any]) -> None:
    found = read(value(*records), NOW)
    lines = [each.line for each in found.rejections]
    assert len(lines) == len(set(lines))
    assert set(lines) | {number for number, _ in found.events} <= set(range(len(records)))
    for each in found.rejections:
        kept = msgspec.json.decode(each.content) if each.content else {}
        assert set(kept) <= {"ma", "nhan", "donVi", "buoc"}


def test_the_sample_of_a_foreign_topic_is_mapped_whole() -> None:
    folder = Path(__file__).parents[3] / "samples"
    from connectors.files.mapping_file import load_mapping

    mapped = MappedRecords(load_mapping(folder / "education.toml"))
    for line in (folder / "education.jsonl").read_bytes().splitlines():
        found = mapped(line, NOW)
        assert found.events
        assert not found.rejections
