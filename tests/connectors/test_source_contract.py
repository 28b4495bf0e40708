"""The contract of sources, for every way in: files, the inbox, foreign topics, the webhook.

That a source waits while Kafka does not answer needs a broker: `tests/connectors/publishing/test_publisher.py`,
`tests/cli/test_route.py` and `tests/connectors/webhook/test_app.py` show it; kills between any two steps are in
`tests/streams/routing/test_session.py`.
"""

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.file_import import Import
from connectors.files.file_reader import FileReader
from connectors.files.mapping_file import load_mapping
from connectors.files.rejects_file import RejectsFile
from connectors.files.row_mapper import RowMapper
from connectors.inbox.event_record import events_of_record
from connectors.inbox.mapped_record import MappedRecords
from connectors.webhook.app import records
from schemas.envelope import Decoded, encode_event
from tests.connectors.source_contract import Fed, Feed

SAMPLES = Path(__file__).parents[2] / "samples"
MAPPING = load_mapping(SAMPLES / "education.toml")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = ("Nguyễn Thị Mẫu", "0900000000", "mau@example.com", "001099000001", "12 phố Mẫu")


def record(dossier: int, day: int, **fields: Any) -> dict[str, Any]:
    """What the school system says about a dossier on a day of January: from the third on it is finished."""
    application = {
        "ma": f"h26.50-{dossier}",
        "thuTuc": "1.005144",
        "donVi": "THPT.01",
        "kenh": "TN",
        "tiepNhan": "05/01/2026 08:30",
        "henTra": f"{11 + day}/01/2026 00:00",
        "ketThuc": "08/01/2026 15:45" if day > 2 else "",
        "trichYeu": PEOPLE[0],
    }
    steps = [
        {"id": step, "loai": "XL", "luc": f"05/01/2026 09:0{step}", "ten": f"bước {step}", "canBo": f"gd-{step}"}
        for step in range(1, day + 1)
    ]
    people = {"hoTen": PEOPLE[0], "sdt": PEOPLE[1], "email": PEOPLE[2], "cccd": [PEOPLE[3]], "diaChi": PEOPLE[4]}
    return {"capNhat": f"0{4 + day}/01/2026 16:00", "hoSo": application | fields, "buoc": steps, "nguoiNop": people}


GOOD = [json.dumps(record(dossier, day), ensure_ascii=False).encode() for dossier in (1, 2) for day in (1, 2, 3)]
BAD = json.dumps(record(3, 1, donVi="THPT.99"), ensure_ascii=False).encode()


def file(given: Sequence[bytes]) -> Fed:
    fed = Fed()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rejects.csv"
        with (
            RejectsFile(path, "f.jsonl", NOW, 0) as rejects,
            FileReader("-", io.BytesIO(b"\n".join(given) + b"\n"), MAPPING, "jsonl") as rows,
        ):
            add = rejects.add

            def kept(row: Any, column: str, value: str, reason: str, *, event: str = "") -> None:
                add(row, column, value, reason, event=event)
                # The rejects file is the importer's own: it never leaves their machine.
                fed.aside.append((str(row.line), reason, b""))

            rejects.add = kept  # type: ignore[method-assign]
            for _ in Import(RowMapper(MAPPING, NOW, NOW), fed.events.append, rejects).run(rows):
                pass
    return fed


def topic(given: Sequence[bytes]) -> Fed:
    fed, read = Fed(), MappedRecords(MAPPING)
    for offset, value in enumerate(given):
        take(fed, offset, read(value, NOW + timedelta(seconds=offset)))
    return fed


def webhook(given: Sequence[bytes]) -> Fed:
    fed, read = Fed(), MappedRecords(MAPPING)
    for number, value in enumerate(given):
        for partition, line in records(read(value, NOW), 4):
            take(fed, number * 10 + partition, events_of_record(line, NOW))
    return fed


def inbox(given: Sequence[bytes]) -> Fed:
    """A producer that sends our own form, each document as an array of its events."""
    fed, read = Fed(), MappedRecords(MAPPING)
    for offset, value in enumerate(given):
        decoded = read(value, NOW)
        lines = [encode_event(event) for _, event in decoded.events] + [b"7" for _ in decoded.rejections]
        take(fed, offset, events_of_record(b"[" + b",".join(lines) + b"]", NOW))
    return fed


def take(fed: Fed, offset: int, decoded: Decoded) -> None:
    fed.events += [event for _, event in decoded.events]
    fed.aside += [(f"{offset}:{each.line}", f"{each.field} {each.detail}", each.content) for each in decoded.rejections]


SOURCES: dict[str, Feed] = {"file": file, "topic": topic, "webhook": webhook, "inbox": inbox}

each_source = pytest.mark.parametrize("feed", SOURCES.values(), ids=SOURCES)


@each_source
def test_it_says_something_about_every_dossier(feed: Feed) -> None:
    fed = feed(GOOD)
    assert set(fed.registers) == {"H26.50-1", "H26.50-2"}
    assert {event.__struct_config__.tag for event in fed.events} == {"received", "term_set", "progressed", "resolved"}
    assert fed.aside == []


@each_source
def test_the_same_record_again_says_nothing_new(feed: Feed) -> None:
    assert feed([*GOOD, *GOOD]).registers == feed(GOOD).registers


@each_source
@given(order=st.permutations(GOOD))
def test_in_any_order_the_same_holds(feed: Feed, order: list[bytes]) -> None:
    assert feed(order).registers == feed(GOOD).registers


@each_source
@given(killed=st.integers(0, len(GOOD)), again=st.integers(0, len(GOOD)))
def test_killed_after_any_record_and_begun_again_before_it_nothing_is_lost_or_doubled(
    feed: Feed, killed: int, again: int
) -> None:
    whole = feed([*GOOD[:killed], *GOOD[min(again, killed) :]])
    assert whole.registers == feed(GOOD).registers


@each_source
@given(place=st.integers(0, len(GOOD)))
def test_a_bad_record_is_put_aside_with_place_and_reason_and_the_rest_goes_on(feed: Feed, place: int) -> None:
    fed = feed([*GOOD[:place], BAD, *GOOD[place:]])
    good = feed(GOOD).registers
    assert {dossier: fed.registers[dossier] for dossier in good} == good
    ((where, why, _),) = fed.aside
    assert where
    assert why


@each_source
def test_nothing_about_people_leaves_it(feed: Feed) -> None:
    out = feed([*GOOD, BAD, BAD[:-1], b'{"hoTen":"' + PEOPLE[0].encode() + b'"}']).bytes
    for personal in PEOPLE:
        assert personal.encode() in b"".join(GOOD)
        assert personal.encode() not in out
