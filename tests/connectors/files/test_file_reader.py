import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import normalize

import msgspec
import pyarrow
import pyarrow.parquet
import pytest

from connectors.errors import UnreadableFile, WrongMapping
from connectors.files.file_reader import FileReader, format_of
from connectors.files.mapping import Column, Format, Mapping
from connectors.files.mapping_file import decode_mapping
from connectors.files.row import AnyRow, Row, UnreadableRow
from connectors.files.text_lines import NO_LINE_END


@pytest.fixture
def mapping() -> Mapping:
    return decode_mapping(
        b"""
        source = "s"
        time_zone = "UTC"
        dossier = { column = "id" }
        [[events]]
        kind = "progressed"
        occurred_at = { column = "at" }
        fields = { step = { column = "step" }, unit = { column = "unit", optional = true } }
        """,
        "m.toml",
    )


def read(content: bytes, mapping: Mapping, format_: Format = "csv") -> list[AnyRow]:
    with FileReader("-", io.BytesIO(content), mapping, format_) as rows:
        return list(rows)


def test_only_mapped_columns_are_taken(mapping: Mapping) -> None:
    rows = read(b"id,person,at,step\na,Nguyen,2026-01-05,x\n", mapping)
    assert rows == [Row(2, {"id": "a", "at": "2026-01-05", "step": "x"}, "a,Nguyen,2026-01-05,x")]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfid,at,step\r\na,1,x\r\n\r\nb,2,y",
        b'"id","at","step"\n"a","1","x"\n\n  \n"b","2","y"\n',
        b"step,id,at\nx,a,1\n\ny,b,2\n",
    ],
    ids=["byte order mark, CR LF, no last line end", "all quoted, blank lines", "another order of columns"],
)
def test_ways_of_writing_the_same_csv(content: bytes, mapping: Mapping) -> None:
    rows = read(content, mapping)
    assert [dict(row.cells) for row in rows if isinstance(row, Row)] == [
        {"id": "a", "at": "1", "step": "x"},
        {"id": "b", "at": "2", "step": "y"},
    ]
    assert len(rows) == 2


def test_a_quoted_cell_may_hold_line_ends_and_delimiters(mapping: Mapping) -> None:
    rows = read(b'id,at,step\na,1,"x,\ny"\nb,2,z\n', mapping)
    assert [(row.line, row.cells["step"]) for row in rows if isinstance(row, Row)] == [(2, "x,\ny"), (4, "z")]


BROKEN = {
    "too few columns": (b"a,1\n", "has 2 columns, the header has 3"),
    "too many columns": (b"a,1,x,y\n", "has 4 columns, the header has 3"),
    "not UTF-8": (b"a,1,caf\xe9\n", "is not UTF-8: invalid continuation byte at byte 8 of the line"),
    "NUL": (b"a,1,x\0y\n", "holds a NUL byte"),
    "a field of 2 MB": (b"a,1," + b"x" * 2_000_000 + b"\n", "a field has more than 131072 characters"),
    "text after a quote": (b'a,1,"x"y\n', "is not CSV: ',' expected after '\"'"),
    "a lone CR": (b"a,1,x\ry\n", "is not CSV: new-line character seen in unquoted field"),
    "an open quote": (b'a,1,"x\n', "(read as one row of "),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_csv_row_spoils_itself_only(case: str, mapping: Mapping) -> None:
    line, reason = BROKEN[case]
    rows = read(b"id,at,step\nbefore,1,x\n" + line + b'after,2,y\nquoted,3,"z"\n', mapping)
    before, broken, after, quoted = rows
    assert isinstance(broken, UnreadableRow)
    assert reason in broken.reason
    assert broken.line == 3
    assert [(row.line, row.cells["id"]) for row in (before, after, quoted) if isinstance(row, Row)] == [
        (2, "before"),
        (4, "after"),
        (5, "quoted"),
    ]


@pytest.mark.slow
def test_a_quote_open_to_the_end_of_a_long_file_loses_one_row(mapping: Mapping) -> None:
    lines = b"".join(b"%d,1,x\n" % number for number in range(30_000))
    rows = read(b"id,at,step\n" + b'a,1,"x\n' + lines, mapping)
    assert [row.line for row in rows if isinstance(row, UnreadableRow)] == [2]
    assert len(rows) == 30_001


def test_bytes_that_are_no_utf8_are_kept_escaped(mapping: Mapping) -> None:
    (row,) = read(b"id,at,step\na,1,caf\xe9\n", mapping)
    assert isinstance(row, UnreadableRow)
    assert row.text == "a,1,caf\\xe9"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", UnreadableFile, "nothing in its first line; it must have a header"),
        (b"\n\nid,at,step\n", UnreadableFile, "nothing in its first line"),
        (b"id;at;step\na;1;x\n", WrongMapping, "the mapped column 'id' is not there; there are id;at;step"),
        (b"id,at\na,1\n", WrongMapping, "the mapped column 'step' is not there; there are at, id"),
        (b"id,at,step,step\n", WrongMapping, "the column 'step' is there 2 times"),
        ("id,at,step\n".encode("utf-16"), UnreadableFile, "it is UTF-16; save it as UTF-8"),
        (b"id,\xff,step\n", UnreadableFile, "its header line cannot be read: is not UTF-8"),
    ],
)
def test_a_file_that_cannot_fit_is_refused_at_once(
    content: bytes, error: type[Exception], message: str, mapping: Mapping
) -> None:
    with pytest.raises(error, match=f"^standard input: .*{message}"):
        read(content, mapping)


def test_a_file_that_is_not_there_is_named(mapping: Mapping, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"no_place\.csv: cannot be read: No such file"):
        FileReader(str(tmp_path / "no_place.csv"), io.BytesIO(), mapping, "csv")
    with pytest.raises(UnreadableFile, match="Is a directory"):
        FileReader(str(tmp_path), io.BytesIO(), mapping, "csv")


def test_json_lines_give_rows_and_what_is_no_object_is_told_apart(mapping: Mapping) -> None:
    lines = [
        b'{"id":"a","at":"2026-01-05","step":"x","person":"N"}',
        b"{",
        b"[1]",
        b'{"id":"b","at":1767571200000,"step":null}',
        b'{"id":{"x":1},"at":1,"step":"x"}',
        b'{"id":"caf\xe9","at":1,"step":"x"}',
        b"[" * 100_000,
    ]
    good, malformed, array, typed, nested, latin, deep = read(b"\n".join(lines), mapping, "jsonl")
    assert good == Row(1, {"id": "a", "at": "2026-01-05", "step": "x"}, lines[0].decode())
    assert typed == Row(4, {"id": "b", "at": 1767571200000, "step": None}, lines[3].decode())
    reasons = [row.reason for row in (malformed, array, nested, latin, deep) if isinstance(row, UnreadableRow)]
    assert [reason.split(":")[0] for reason in reasons] == [
        "is not JSON",
        "is not a JSON object",
        "the column 'id' is nested, not a plain value",
        "is not JSON",
        "is not JSON",
    ]


def test_a_column_that_no_json_line_has_is_an_error(mapping: Mapping) -> None:
    with pytest.raises(WrongMapping, match="the mapped column 'step' is not there"):
        read(b'{"id":"a","at":"2026-01-05"}\n', mapping, "jsonl")


@pytest.mark.slow
def test_parquet_gives_typed_cells_and_reads_mapped_columns_only(mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    columns = {
        "id": ["a", None],
        "person": ["N", "M"],
        "at": pyarrow.array([at, at], pyarrow.timestamp("ns", "UTC")),
        "step": ["x", "y"],
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    with FileReader(str(path), io.BytesIO(), mapping, "parquet") as rows:
        first, second = rows
    assert isinstance(first, Row)
    assert first.cells == {"id": "a", "at": at, "step": "x"}
    assert "person" not in json.loads(first.text)
    assert isinstance(second, Row)
    assert (second.line, second.cells["id"]) == (2, None)


@pytest.mark.slow
def test_nanoseconds_of_parquet_are_cut_and_never_rounded_up(mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    last = pyarrow.array([1_798_736_399_999_999_999], pyarrow.timestamp("ns", "UTC"))  # 2026-12-31 23:59:59 in Hà Nội
    columns = dict.fromkeys(mapping.columns, pyarrow.array(["x"])) | {"at": last}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    with FileReader(str(path), io.BytesIO(), mapping, "parquet") as rows:
        (row,) = rows
    assert isinstance(row, Row)
    assert row.cells["at"] == datetime(2026, 12, 31, 16, 59, 59, 999_999, tzinfo=UTC)
    # Also within other values.
    within = pyarrow.array([[{"at": last[0]}]], pyarrow.list_(pyarrow.struct([("at", last.type)])))
    pyarrow.parquet.write_table(pyarrow.table(columns | {"unit": within}), path)
    nested = msgspec.structs.replace(mapping.events[0], occurred_at=Column("unit[0].at"), fields={"step": "x"})
    with FileReader(str(path), io.BytesIO(), msgspec.structs.replace(mapping, events=(nested,)), "parquet") as rows:
        (row,) = rows
    assert isinstance(row, Row)
    assert type(row.cells["unit[0].at"]) is datetime
    assert row.cells["unit[0].at"] == datetime(2026, 12, 31, 16, 59, 59, 999_999, tzinfo=UTC)


def test_what_is_not_parquet_is_refused(mapping: Mapping, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    path.write_bytes(b"id,at,step\n")
    with pytest.raises(UnreadableFile, match=r"log\.parquet: is not a Parquet file"):
        FileReader(str(path), io.BytesIO(), mapping, "parquet")


def test_the_format_is_told_mapped_or_known_by_the_extension(mapping: Mapping) -> None:
    assert format_of("a.CSV", mapping) == "csv"
    assert format_of("a.ndjson", mapping) == "jsonl"
    assert format_of("a.csv", mapping, "parquet") == "parquet"
    with pytest.raises(UnreadableFile, match="standard input: the format is not known, give --format"):
        format_of("-", mapping)


LAYOUTS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "sep=": (b"sep=;\r\nid;at;step\r\na;1;x\r\n", {}),
    "sep= and a byte order mark": (b'\xef\xbb\xbf"sep=\t"\nid\tat\tstep\na\t1\tx\n', {}),
    "delimiters at the ends of rows": (b"id,at,step\na,1,x,,\n", {}),
    "delimiters at the ends of all lines": (b"id,at,step,\na,1,x,\n", {}),
    "a delimiter at the end of the header": (b"id,at,step,,\na,1,x\n", {}),
    "cells without a name": (b"id,at,step,\na,1,x,a note\n", {}),
    "lines before the header": (b"\nReport of 2026\n\nid,at,step\na,1,x\n", {"skip_lines": 3}),
    "a footer": (b"id,at,step\na,1,x\nTotal,1\n\nprinted on Monday\n", {"skip_footer": 2}),
    "UTF-16": ("id,at,step\r\na,1,x\r\n".encode("utf-16"), {"encoding": "utf-16"}),
    "UTF-16 without a mark": ("id,at,step\na,1,x\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_spreadsheets_and_reports(layout: str, mapping: Mapping) -> None:
    content, changes = LAYOUTS[layout]
    (row,) = read(content, msgspec.structs.replace(mapping, **changes))
    assert isinstance(row, Row)
    assert row.cells == {"id": "a", "at": "1", "step": "x"}


def test_a_byte_that_an_encoding_does_not_know_spoils_its_row_only(mapping: Mapping) -> None:
    for encoding, odd in (("cp1258", b"\x8a"), ("utf-16-le", b"\x00\xd8")):
        lines = [line.encode(encoding) for line in ("id,at,step\n", "a,1,", "\n", "b,2,e\n")]
        lines[1] += odd
        broken, row = read(b"".join(lines), msgspec.structs.replace(mapping, encoding=encoding))
        assert isinstance(broken, UnreadableRow)
        assert broken.reason.startswith(f"is not {encoding.upper()}: ")
        assert isinstance(row, Row)


def test_what_is_no_csv_at_all_is_told(mapping: Mapping) -> None:
    with pytest.raises(UnreadableFile, match="it is a workbook or another archive, not text: give --format xlsx"):
        read(b"PK\x03\x04\x14\x00\n", mapping)
    with pytest.raises(UnreadableFile, match=r"a\.xls: the format is not known.*\.xls is the old format of workbooks"):
        format_of("a.xls", mapping)


def test_parquet_columns_may_be_nested_and_in_either_unicode_form(tmp_path: Path) -> None:
    mapping = decode_mapping(
        """
        source = "s"
        time_zone = "UTC"
        dossier = { column = "Mã" }
        [[events]]
        kind = "progressed"
        occurred_at = { column = "steps[0].at" }
        fields = { step = { column = "steps[0].name" } }
        """.encode(),
        "m.toml",
    )
    rows = [{normalize("NFD", "Mã"): Decimal("20260001.00"), "steps": [{"at": "2026-01-05", "name": "x"}], "other": 1}]
    path = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    with FileReader(str(path), io.BytesIO(), mapping, "parquet") as read_rows:
        (row,) = read_rows
    assert isinstance(row, Row)
    assert row.cells == {"Mã": Decimal("20260001.00"), "steps[0].at": "2026-01-05", "steps[0].name": "x"}
    assert "other" not in row.text
    short = msgspec.structs.replace(mapping, dossier=Column("id"))
    with pytest.raises(WrongMapping, match=r"the mapped column 'id' is not there; there are Mã, other, steps"):
        FileReader(str(path), io.BytesIO(), short, "parquet")


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_last_line_without_an_end_is_broken_where_the_input_may_be_cut_off(
    format_: Format, encoding: str, mapping: Mapping
) -> None:
    mapping = msgspec.structs.replace(mapping, encoding=encoding)
    lines = {
        "csv": "id,at,step\na,1,x\nb,2,y",
        "jsonl": '{"id":"a","at":1,"step":"x"}\n{"id":"b","at":2,"st',
    }[format_]
    with FileReader("-", io.BytesIO(lines.encode(encoding)), mapping, format_, whole=False) as rows:
        first, last = rows
    assert isinstance(first, Row)
    assert isinstance(last, UnreadableRow)
    assert rows.truncation == last.reason == NO_LINE_END
    with FileReader("-", io.BytesIO((lines + "\n").encode(encoding)), mapping, format_, whole=False) as rows:
        assert [row.line for row in rows] == [first.line, last.line]
    assert not rows.truncation


def test_a_whole_json_object_needs_no_line_end(mapping: Mapping) -> None:
    with FileReader("-", io.BytesIO(b'{"id":"a","at":1,"step":"x"}'), mapping, "jsonl", whole=False) as rows:
        assert [type(row) for row in rows] == [Row]
    assert not rows.truncation


def test_a_torn_line_is_told_also_where_the_last_rows_are_none(mapping: Mapping) -> None:
    mapping = msgspec.structs.replace(mapping, skip_footer=1)
    with FileReader("-", io.BytesIO(b"id,at,step\na,1,x\nb,2"), mapping, "csv", whole=False) as rows:
        assert len(list(rows)) == 1
    assert rows.truncation == NO_LINE_END
