"""Event logs of process mining: the sample log again, and logs that mean harm."""

import csv
import io
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from connectors.errors import UnreadableFile, WrongMapping
from connectors.files.file_reader import FileReader
from connectors.files.mapping_file import decode_mapping, load_mapping
from connectors.files.row import Row
from connectors.files.xml_stream import MAX_TAG_BYTES
from tests.connectors.files.imported import imported

SAMPLES = Path(__file__).parents[3] / "samples"
MAPPING = decode_mapping(
    b"""
    source = "s"
    time_zone = "Asia/Ho_Chi_Minh"
    dossier = { column = "case:concept:name" }
    [[events]]
    kind = "received"
    occurred_at = { column = "case:start" }
    fields = { agency = "A" }
    [[events]]
    kind = "progressed"
    occurred_at = { column = "time:timestamp", optional = true }
    fields = { step = { column = "concept:name", optional = true } }
    """,
    "m.toml",
)
LOG = '<log xmlns="http://www.xes-standard.org/"><extension name="Time" prefix="time"/><global scope="event">{}</log>'


def xes_of(rows: list[dict[str, str]]) -> bytes:
    """The log that these rows of CSV say: a trace a case, in the order of its first row."""
    traces: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        traces.setdefault(row["case:concept:name"], []).append(row)
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org/">']
    for events in traces.values():
        parts.append("<trace>")
        parts += [_attribute(name.removeprefix("case:"), events[0][name]) for name in events[0] if name[:5] == "case:"]
        for event in events:
            parts += ["<event>", *(_attribute(name, event[name]) for name in event if name[:5] != "case:"), "</event>"]
        parts.append("</trace>")
    return "\n".join([*parts, "</log>"]).encode()


def _attribute(key: str, value: str) -> str:
    kind = "date" if key in ("startdate", "enddate", "deadline", "time:timestamp") and value else "string"
    return f"<{kind} key={quoteattr(key)} value={quoteattr(value)}/>"


@pytest.mark.slow
def test_the_sample_log_is_the_same_as_xes(tmp_path: Path) -> None:
    mapping = load_mapping(SAMPLES / "wabo-receipt.toml")
    file = SAMPLES / "wabo-receipt.csv"
    with file.open(newline="", encoding="utf-8") as content:
        xes = xes_of(list(csv.DictReader(content)))
    found = imported(xes, mapping, tmp_path / "r.csv", format_="xes")
    assert found.rejects == []
    assert found.tally.rows == 4321
    assert set(found.events) == set(imported(file, mapping, tmp_path / "r.csv").events)


def rows(traces: str) -> list[Row]:
    with FileReader("-", io.BytesIO(f'<log xmlns="x">{traces}</log>'.encode()), MAPPING, "xes") as read:
        return [row for row in read if isinstance(row, Row)]


TRACE = '<string key="concept:name" value="a"/><date key="start" value="2026-01-05T08:00:00.000+07:00"/>'


def test_attributes_have_types_and_what_is_nested_or_declared_is_none() -> None:
    first, second = rows(
        f'<global scope="event"><string key="concept:name" value="UNKNOWN"/></global>'
        f"<trace>{TRACE}<list key='l'><values><string key='concept:name' value='no'/></values></list>\n"
        "<event><string key='concept:name' value='x'><string key='concept:name' value='meta'/></string></event>"
        "<event><int key='concept:name' value='7'/><date key='time:timestamp' value='soon'/></event></trace>"
    )
    start = datetime(2026, 1, 5, 1, tzinfo=UTC)
    assert first.cells == {"case:concept:name": "a", "case:start": start, "concept:name": "x"}
    assert second.cells == {
        "case:concept:name": "a",
        "case:start": start,
        "concept:name": 7,
        "time:timestamp": "soon",
    }
    assert (first.line, second.line) == (2, 2)


def test_a_trace_without_events_is_a_row_of_its_own() -> None:
    assert [row.cells["case:concept:name"] for row in rows(f"<trace>{TRACE}</trace>" * 2)] == ["a", "a"]


def test_a_column_that_no_trace_has_is_told_with_those_that_are_there() -> None:
    with pytest.raises(WrongMapping, match=r"'case:start' is not there; there are case:concept:name, step"):
        rows('<trace><string key="concept:name" value="a"/><event><int key="step" value="1"/></event></trace>')


def generated(start: bytes, part: bytes, times: int) -> io.BytesIO:
    """A stream that is mapped as it is read, so that it can be longer than the memory."""

    class Made(io.BytesIO):
        left = times

        def seekable(self) -> bool:
            return False

        def read(self, _size: int | None = -1) -> bytes:
            if self.left == times:
                self.left -= 1
                return start
            self.left -= 1
            return part if self.left >= 0 else b""

    return Made()


HOSTILE = {
    "no XML": (generated(b"id,at\n", b"", 1), "line 1: it is no XML"),
    "another document": (generated(b"<html></html>", b"", 1), "its root is <html>"),
    "entities": (
        generated(b'<!DOCTYPE log [<!ENTITY a "aaaa">]><log>&a;</log>', b"", 1),
        "a document type or entities",
    ),
    "a file": (generated(b'<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', b"", 1), "a document type or entities"),
    "an endless tag": (generated(b'<log><trace x="', b"x" * 60_000, 10_000), f"more than {MAX_TAG_BYTES} bytes"),
    "an endless trace": (
        generated(b"<log><trace>", b"<string key='case:start' value='2026-01-05'/>" * 1000, 10_000),
        "more than 10000 attributes",
    ),
    "a pit": (generated(b"<log><trace>", b"<list>" * 10_000, 10_000), "nested more than 100 deep"),
    "an end too soon": (generated(b"<log><trace>", b"<event/>", 3), "no element found"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_log_is_refused_in_bounded_memory(case: str) -> None:
    stream, message = HOSTILE[case]
    tracemalloc.start()
    try:
        with (
            pytest.raises(UnreadableFile, match=f"standard input: cannot be read after row .*{message}"),
            FileReader("-", stream, MAPPING, "xes") as read,
        ):
            list(read)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
    finally:
        tracemalloc.stop()
