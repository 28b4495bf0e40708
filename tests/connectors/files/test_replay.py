"""Rejects that are imported again, once the mapping or the rejects file is corrected."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from connectors.files.mapping import Mapping
from connectors.files.mapping_file import decode_mapping
from schemas.events import Received, Resolved, TermSet
from tests.connectors.files.imported import NOW, ImportRecord, imported
from tests.connectors.files.test_xlsx_reader import workbook

TEXT = """
source = "s"
time_zone = "Asia/Ho_Chi_Minh"
delimiter = ";"
formats = ["%d/%m/%Y"]
dossier = { column = "id" }
[[events]]
kind = "received"
occurred_at = { column = "at" }
[events.fields]
agency = "A"
channel = { column = "how", values = { net = "online" } }
[[events]]
kind = "term_set"
occurred_at = { column = "at" }
fields = { term = { column = "due" } }
[[events]]
kind = "resolved"
occurred_at = { column = "done" }
"""
COLUMNS = ("id", "at", "due", "how", "done")
EXPORTED = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def mapping() -> Mapping:
    return decode_mapping(TEXT.encode(), "m.toml")


@pytest.fixture
def corrected() -> Mapping:
    return decode_mapping(TEXT.replace('net = "online"', 'net = "online", fax = "direct"').encode(), "m.toml")


def text_file(folder: Path) -> Path:
    path = folder / "log.csv"
    path.write_text("id;at;due;how;done\na;05/01/2026;20/01/2026;net;\nb;05/01/2026;20/01/2026;fax;07/01/2026\n")
    return path


def sheet(folder: Path) -> Path:
    path = folder / "log.xlsx"
    at, due, done = (datetime(2026, 1, day) for day in (5, 20, 7))
    path.write_bytes(workbook(COLUMNS, ("a", at, due.date(), "net", None), ("b", at, due.date(), "fax", done)))
    return path


def parquet(folder: Path) -> Path:
    path = folder / "log.parquet"
    at, due, done = (datetime(2026, 1, day) for day in (5, 20, 7))
    rows = [("a", at, due.date(), "net", None), ("b", at, due.date(), "fax", done)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows]), path)
    return path


def json_array(folder: Path) -> Path:
    path = folder / "log.json"
    path.write_text(
        '[{"id":"a","at":"05/01/2026","due":"20/01/2026","how":"net"},'
        '{"id":"b","at":"05/01/2026","due":"20/01/2026","how":"fax","done":"07/01/2026"}]'
    )
    return path


@pytest.mark.parametrize("write", [text_file, sheet, parquet, json_array])
def test_what_was_put_aside_counts_once_the_mapping_is_corrected(
    write: Callable[[Path], Path], mapping: Mapping, corrected: Mapping, tmp_path: Path
) -> None:
    file, aside = write(tmp_path), tmp_path / "rejects.csv"
    first = imported(file, mapping, aside, told_at=EXPORTED, number=3)
    assert first.kinds == {"received": 1, "term_set": 2, "resolved": 1}
    (reject,) = first.rejects
    assert (reject["file"], reject["event"], reject["column"], reject["value"]) == (str(file), "received", "how", "fax")
    again = imported(aside, corrected, tmp_path / "again.csv", number=9)
    assert again.kinds == {"received": 1, "term_set": 1, "resolved": 1}
    assert again.rejects == []
    # The same events as if the mapping had been right from the start, also in when the source said so, and in which
    # of its imports: those in between still hold.
    right = imported(file, corrected, aside, told_at=EXPORTED, number=3)
    assert set(first.events) | set(again.events) == set(right.events)
    assert {event.recorded_at for event in again.events} == {EXPORTED}
    assert {event.term for event in again.of(TermSet)} == {datetime(2026, 1, 20, 16, 59, 59, 999999, tzinfo=UTC)}


def test_who_says_when_it_was_told_means_rejects_too(mapping: Mapping, corrected: Mapping, tmp_path: Path) -> None:
    aside = tmp_path / "rejects.csv"
    imported(text_file(tmp_path), mapping, aside, told_at=EXPORTED)
    again = imported(aside, corrected, tmp_path / "again.csv", told_at=NOW, ignores_origin=True)
    assert {event.recorded_at for event in again.events} == {NOW}


def test_what_still_does_not_fit_keeps_its_first_place(mapping: Mapping, tmp_path: Path) -> None:
    aside = tmp_path / "rejects.csv"
    content = b"id;at;due;how;done\na;05/01/2026;soon;fax;never\nb;05/01/2026\n;;;;\n"
    first = imported(content, mapping, aside, format_="csv", told_at=EXPORTED)
    assert [(each["line"], each["event"], each["reason"][:12]) for each in first.rejects] == [
        ("2", "received", "is not one o"),
        ("2", "term_set", "is not a dat"),
        ("2", "resolved", "is not a dat"),
        ("3", "", "has 2 column"),
        ("4", "", "is empty"),
    ]
    again = imported(aside, mapping, tmp_path / "again.csv")
    assert again.tally.rows == first.tally.rows == 3
    for one, other in zip(first.rejects, again.rejects, strict=True):
        changed = {name for name in one if one[name] != other[name]}
        assert changed <= ({"reason"} if one["line"] == "3" else set())


def test_a_value_may_be_corrected_in_the_rejects_file(mapping: Mapping, tmp_path: Path) -> None:
    aside = tmp_path / "rejects.csv"
    imported(text_file(tmp_path), mapping, aside, told_at=EXPORTED)
    aside.write_text(aside.read_text().replace('""how"":""fax""', '""how"":""net""'))
    again = imported(aside, mapping, tmp_path / "again.csv")
    assert [event.channel for event in again.of(Received)] == ["online"]
    assert len(again.of(Resolved)) == 1


@pytest.mark.parametrize("change", [("2026-02-01T00:00:00+00:00", "soon"), ('"{""', '"{"'), (",3,", ",x,")])
def test_a_reject_that_is_spoiled_is_a_reject_again(change: tuple[str, str], mapping: Mapping, tmp_path: Path) -> None:
    aside = tmp_path / "rejects.csv"
    imported(text_file(tmp_path), mapping, aside, told_at=EXPORTED)
    text = aside.read_text()
    assert change[0] in text
    aside.write_text(text.replace(*change))
    again: ImportRecord = imported(aside, mapping, tmp_path / "again.csv", max_rejects=1.0)
    assert again.events == []
    (reject,) = again.rejects
    assert reject["reason"].startswith(("is no reject: ", "is not CSV: "))


def test_rejects_are_read_as_such_whatever_the_mapping_says_of_its_files(
    mapping: Mapping, corrected: Mapping, tmp_path: Path
) -> None:
    aside = tmp_path / "rejects.csv"
    imported(text_file(tmp_path), mapping, aside, told_at=EXPORTED)
    of_spreadsheet = b"\xef\xbb\xbf" + aside.read_bytes().splitlines(keepends=True)[0].replace(b",", b";")
    with aside.open(newline="") as file:
        *_, row = csv.reader(file)
    line = io.StringIO()
    csv.writer(line, delimiter=";").writerow(row)
    for content in (aside.read_bytes(), of_spreadsheet + line.getvalue().encode()):
        again = imported(
            content, corrected, tmp_path / "again.csv", format="xlsx", encoding="utf-16", skip_lines=3, skip_footer=1
        )
        assert again.kinds == {"received": 1, "term_set": 1, "resolved": 1}


@pytest.mark.parametrize("exact", [False, True])
def test_rejects_are_read_again_whether_a_spreadsheet_may_open_them_or_not(
    exact: bool, mapping: Mapping, corrected: Mapping, tmp_path: Path
) -> None:
    aside = tmp_path / "rejects.csv"
    content = (
        b"id;at;due;how;done\n=1+1;05/01/2026;20/01/2026;fax;\n-b;05/01/2026;'=x;fax;07/01/2026\n"
        b"'s-H;05/01/2026;20/01/2026;fax;\n+b;only\n"
    )
    first = imported(content, mapping, aside, format_="csv", told_at=EXPORTED, exact=exact)
    assert first.rejects[0]["row"] == ("" if exact else "'") + "=1+1;05/01/2026;20/01/2026;fax;"
    again = imported(aside, corrected, tmp_path / "again.csv", exact=exact)
    assert [event.dossier for event in again.of(Received)] == ["=1+1", "-b", "'s-H"]
    # What does not fit yet is put aside again as it was at first, file, place and row.
    kept = ("file", "line", "place", "row", "cells", "value")
    found = [[each[name] for name in kept] for each in again.rejects]
    assert found == [[each[name] for name in kept] for each in first.rejects if each["column"] in ("due", "")]
    assert len(found) == 2
