import csv
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import UnreadableFile
from connectors.files.cell_values import Cell
from connectors.files.formula_escape import escape_formula, unescape_formula
from connectors.files.rejects_file import COLUMNS, MAX_ROW, RejectsFile, decode_cells, encode_cells
from connectors.files.row import Row, UnreadableRow

TOLD = datetime(2026, 11, 1, tzinfo=UTC)


def test_no_reject_no_file(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "rejects" / "r.csv", "log.csv", TOLD) as rejects:
        pass
    assert not rejects.path.exists()


def test_rejects_are_a_csv_that_reads_back(tmp_path: Path) -> None:
    row = Row(7, {"cộ,t": 'say "no"'}, "a\0b\r\nc,\ud800", lambda column: f"Sheet 1!{column}7")
    with RejectsFile(tmp_path / "rejects" / "r.csv", "hồ sơ.xlsx", TOLD, 4) as rejects:
        rejects.add(row, "cộ,t", 'say "no"\nthen go', "không đọc được", event="paid")
        rejects.add(UnreadableRow(8, "too long", "x" * 2_000_000), "", "", "too long")
    with rejects.path.open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert first == [
        "hồ sơ.xlsx",
        "7",
        "Sheet 1!cộ,t7",
        "paid",
        "cộ,t",
        'say "no"\nthen go',
        "không đọc được",
        "a\\x00b\r\nc,\\ud800",
        "2026-11-01T00:00:00+00:00",
        "4",
        '{"cộ,t":"say \\"no\\""}',
    ]
    assert len(second[7]) == MAX_ROW
    assert rejects.count == 2


def test_only_the_owner_may_read_what_must_not_be_published(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("of an earlier import")
    path.chmod(0o644)
    with RejectsFile(path, "log.csv", TOLD) as rejects:
        rejects.add(UnreadableRow(2, "c", "d"), "a", "b", "c")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == (
        "file,line,place,event,column,value,reason,row,told_at,import,cells\n"
        "log.csv,2,,,a,b,c,d,2026-11-01T00:00:00+00:00,,\n"
    )


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    rejects = RejectsFile(tmp_path / "file" / "r.csv", "log.csv", TOLD)
    with pytest.raises(UnreadableFile, match=r"rejects cannot be written: .*--rejects FILE"):
        rejects.add(UnreadableRow(2, "c", "d"), "a", "b", "c")


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC))
)
def test_cells_keep_their_types(cell: Cell) -> None:
    (again,) = decode_cells(encode_cells({"a": cell}))[0].values()
    assert (again, type(again)) == (cell, type(cell))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":[1]}', '{"a":{"x":"1"}}', '{"a":{"date":"soon"}}', '{"a":{}}'])
def test_what_are_no_cells_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        decode_cells(text)


@pytest.mark.parametrize("exact", [False, True])
def test_a_row_that_a_spreadsheet_would_compute_comes_back_exactly(exact: bool, tmp_path: Path) -> None:
    rows = ["=cmd|' /c calc'!A1,5", "-5,x", "'s-Hertogenbosch,1", "plain,1"]
    with RejectsFile(tmp_path / "r.csv", "-", TOLD, exact=exact) as rejects:
        for line, row in enumerate(rows, 2):
            rejects.add(UnreadableRow(line, "is wrong", row), "@column", row.partition(",")[0], "is wrong")
    with rejects.path.open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))[1:]
    found = [row[COLUMNS.index("row")] for row in cells]
    assert found == (rows if exact else [f"'{row}" for row in rows[:3]] + rows[3:])
    assert [row if exact else row.removeprefix("'") for row in found] == rows
    assert {row[COLUMNS.index("file")] for row in cells} == {"-" if exact else "'-"}


@given(st.text() | st.text("='+-@\t\r\n＝x", max_size=4))
def test_a_quote_is_taken_off_where_one_was_put(cell: str) -> None:
    assert unescape_formula(escape_formula(cell)) == cell
