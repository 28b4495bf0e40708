"""Workbooks: as offices export them, and as somebody builds them who means harm."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.errors import UnreadableFile, WrongMapping
from connectors.files.file_reader import FileReader
from connectors.files.mapping import Mapping
from connectors.files.mapping_file import decode_mapping
from connectors.files.row import AnyRow, Row
from connectors.files.xml_stream import MAX_TAG_BYTES
from schemas.events import Paid, Received, TermSet
from tests.connectors.files.imported import imported

MAPPING = decode_mapping(
    """
    source = "s"
    time_zone = "Asia/Ho_Chi_Minh"
    dossier = { column = "Mã hồ sơ" }
    [[events]]
    kind = "received"
    occurred_at = { column = "Ngày nhận" }
    fields = { agency = { column = "Cơ quan" } }
    [[events]]
    kind = "term_set"
    occurred_at = { column = "Ngày nhận" }
    fields = { term = { column = "Hạn trả" } }
    [[events]]
    kind = "paid"
    occurred_at = { column = "Ngày nhận" }
    fields = { transaction = { column = "Mã hồ sơ" }, amount = { column = "Lệ phí" }, method = "cash" }
    """.encode(),
    "m.toml",
)
HEADER = ("Mã hồ sơ", "Cơ quan", "Ngày nhận", "Hạn trả", "Lệ phí")


def workbook(*rows: Iterable[Any], title: str = "Hồ sơ", **sheets: Iterable[Iterable[Any]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    for name, of_sheet in sheets.items():
        sheet = book.create_sheet(name)
        for row in of_sheet:
            sheet.append(list(row))
    into = io.BytesIO()
    book.save(into)
    return into.getvalue()


def read(content: bytes, mapping: Mapping = MAPPING) -> list[AnyRow]:
    with FileReader("-", io.BytesIO(content), mapping, "xlsx") as rows:
        return list(rows)


def cells(content: bytes, column: str, mapping: Mapping = MAPPING) -> list[Any]:
    return [row.cells[column] for row in read(content, mapping) if isinstance(row, Row)]


def test_a_sheet_becomes_the_events_that_the_mapping_says(tmp_path: Path) -> None:
    content = workbook(
        HEADER,
        (20260001, "Sở Xây dựng", datetime(2026, 1, 5, 8, 30), date(2026, 1, 20), 150_000),
        ("20260002", "Sở Xây dựng", datetime(2026, 1, 5, 8, 31), None, "150.000 đ"),
        (),
        (20260003.0, "Sở Xây dựng", datetime(2026, 1, 5, 8, 32), date(2026, 1, 20), 49.25),
        ("2.617E+16", "Sở Xây dựng", datetime(2026, 1, 5, 8, 33), None, None),
    )
    found = imported(content, MAPPING, tmp_path / "r.csv", format_="xlsx")
    assert [event.dossier for event in found.of(Received)] == ["20260001", "20260002", "20260003"]
    assert found.of(Received)[0].occurred_at == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    # The term is shown as a day: the whole of it.
    assert {event.term for event in found.of(TermSet)} == {datetime(2026, 1, 20, 16, 59, 59, 999999, tzinfo=UTC)}
    assert {event.dossier: event.amount for event in found.of(Paid)} == {"20260001": 150_000, "20260002": 150_000}
    assert [(each["place"], each["line"], each["column"], each["value"]) for each in found.rejects] == [
        ("Hồ sơ!E5", "5", "Lệ phí", "49.25"),
        ("Hồ sơ!A6", "6", "Mã hồ sơ", "2.617E+16"),
    ]


def test_the_header_is_the_first_row_with_anything_below_the_lines_to_skip(tmp_path: Path) -> None:
    content = workbook(("BÁO CÁO THÁNG 1",), (), (None, *HEADER), (None, "a", "B", datetime(2026, 1, 5, 8), None, None))
    found = imported(content, MAPPING, tmp_path / "r.csv", format_="xlsx", skip_lines=1)
    assert found.kinds == {"received": 1}


def test_a_footer_and_empty_rows_at_the_end_are_no_rows(tmp_path: Path) -> None:
    row = ("a", "B", datetime(2026, 1, 5, 8), None, None)
    content = workbook(HEADER, row, ("Tổng cộng", None, None, None, 1), (), (None, " "))
    assert len(read(content)) == 2
    found = imported(content, MAPPING, tmp_path / "r.csv", format_="xlsx", skip_footer=1)
    assert (found.tally.rows, found.kinds) == (1, {"received": 1})


def test_a_sheet_is_taken_by_its_name_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    content = workbook(("nothing",), title="Bìa", Data=[HEADER, ("a", "B", datetime(2026, 1, 5, 8), None, None)])
    assert imported(content, MAPPING, tmp_path / "r.csv", format_="xlsx", sheet="Data").kinds == {"received": 1}
    with pytest.raises(UnreadableFile, match="has no sheet 'Dữ liệu'; its sheets are 'Bìa', 'Data'"):
        imported(content, MAPPING, tmp_path / "r.csv", format_="xlsx", sheet="Dữ liệu")
    with pytest.raises(WrongMapping, match="the mapped column 'Mã hồ sơ' is not there; there are nothing"):
        read(content)


@pytest.mark.parametrize("epoch", [openpyxl.utils.datetime.WINDOWS_EPOCH, openpyxl.utils.datetime.MAC_EPOCH])
def test_dates_of_both_systems_and_what_is_shown_as_a_time(epoch: datetime) -> None:
    book = openpyxl.Workbook()
    book.epoch = epoch
    assert book.active is not None
    sheet = book.active
    sheet.append(HEADER)
    for value, shown in (
        (datetime(2026, 1, 5), "dd/mm/yyyy"),
        (datetime(2026, 1, 5), "dd/mm/yyyy hh:mm"),
        (datetime(2026, 1, 5, 12), "dd/mm/yyyy"),
        (datetime(2026, 1, 5, 23, 59, 59), "[$-42A]dd/mm/yyyy hh:mm:ss"),
        (time(8, 30), "hh:mm"),
        (46027, "0.00"),
    ):
        sheet.append(["a", "B", value])
        sheet.cell(sheet.max_row, 3).number_format = shown
    into = io.BytesIO()
    book.save(into)
    assert cells(into.getvalue(), "Ngày nhận") == [
        date(2026, 1, 5),
        datetime(2026, 1, 5),
        datetime(2026, 1, 5, 12),
        datetime(2026, 1, 5, 23, 59, 59),
        "08:30:00",
        46027,
    ]


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
HEADER_ROW = "<row>" + "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADER) + "</row>"


def rebuilt(part: str, content: str | bytes) -> bytes:
    """A workbook with a part in place of its own."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(HEADER))) as book, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as new:
        for name in book.namelist():
            new.writestr(name, content if name == part else book.read(name))
        if part not in book.namelist():
            new.writestr(part, content)
    return into.getvalue()


def of_rows(rows: str) -> bytes:
    return rebuilt("xl/worksheets/sheet1.xml", SHEET.format(HEADER_ROW + rows))


def test_cells_of_every_type_and_formulas_by_their_last_value() -> None:
    content = of_rows(
        '<row><c t="str"><f>A1&amp;"x"</f><v>a</v></c><c t="b"><v>1</v></c><c t="d"><v>2026-01-05T08:00:00</v></c>'
        '<c t="d"><v>2026-01-20</v></c><c><f>1+1</f><v>2</v></c></row>'
        '<row r="9"><c r="A9" t="e"><v>#N/A</v></c><c r="E9"><v>1.5E3</v></c><c r="AB9"><v>7</v></c></row>'
        '<row><c t="inlineStr"><is><r><t>Đ</t></r><r><t>-1</t></r><rPh><t>sound</t></rPh></is></c></row>'
    )
    first, second, third = read(content)
    assert isinstance(first, Row)
    assert first.cells == dict(zip(HEADER, ["a", True, datetime(2026, 1, 5, 8), date(2026, 1, 20), 2], strict=True))
    assert isinstance(second, Row)
    assert (second.line, second.cells["Mã hồ sơ"], second.cells["Lệ phí"]) == (9, "#N/A", 1500.0)
    assert isinstance(third, Row)
    assert (third.line, third.cells["Mã hồ sơ"]) == (10, "Đ-1")


BILLION = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(10))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,at\n", "is not an XLSX workbook"),
        (workbook(HEADER)[:2000], "is not an XLSX workbook"),
        (rebuilt("xl/worksheets/sheet1.xml", f"<!DOCTYPE x [{BILLION}]>" + SHEET.format("&a9;")), "a document type"),
        (rebuilt("xl/workbook.xml", '<!DOCTYPE x SYSTEM "file:///etc/passwd"><workbook/>'), "a document type"),
        (rebuilt("xl/workbook.xml", "<workbook><sheets>"), "it is no XML"),
        (rebuilt("xl/workbook.xml", "<workbook/>"), "has no sheet None; its sheets are none"),
        (rebuilt("xl/styles.xml", " " * (33 * 1024**2)), r"part 'xl/styles.xml' has \d+ bytes"),
        (of_rows('<row r="999999999999"/>'), "after row 1: row 1: its row 0 comes after 1"),
        (of_rows('<row r="1048577"/>'), "row 1048577 comes after 1, and 1048576 is the last"),
        (of_rows('<row r="5"/><row r="5"/>'), "its row 5 comes after 5"),
        (of_rows('<row><c r="ZZZ2"/></row>'), "its column 18278 comes after 0"),
        (of_rows('<row><c r="B2"/><c r="A2"/></row>'), "its column 1 comes after 2"),
        (of_rows('<row><c t="s"><v>99999999</v></c></row>'), "column 1 holds '99999999'"),
        (of_rows("<row><c><v>1</v></c><c><v>NaN1</v></c></row>"), "column 2 holds 'NaN1'"),
        (of_rows(f'<row><c x="{"x" * (2 * MAX_TAG_BYTES)}"/></row>'), f"has more than {MAX_TAG_BYTES} bytes"),
        (of_rows(f"<row><c><v>{'1' * 2_000_000}</v></c></row>"), "a cell has more than 1048576 characters"),
        (of_rows("<row>" + "<c/>" * 20_000 + "</row>"), "its column 16385 comes after 16384"),
    ],
)
def test_a_workbook_that_cannot_be_one_is_refused_in_bounded_memory(content: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile, match=message):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
    finally:
        tracemalloc.stop()


def test_what_was_read_before_the_damage_is_given() -> None:
    content = of_rows('<row><c t="inlineStr"><is><t>a</t></is></c></row><row></wrong>')
    with FileReader("-", io.BytesIO(content), MAPPING, "xlsx") as rows:
        assert next(iter(rows)).line == 2
        with pytest.raises(UnreadableFile, match=r"cannot be read after row 2: .*no XML"):
            next(iter(rows))


def test_texts_that_cells_share_are_found_and_phonetic_ones_are_not() -> None:
    content = workbook(HEADER, ("Đề nghị", "B", None, None, None))
    assert cells(content, "Mã hồ sơ") == ["Đề nghị"]


def test_an_encrypted_workbook_and_a_pipe_are_told() -> None:
    with pytest.raises(UnreadableFile, match="or has a password"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000)

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(UnreadableFile, match="a workbook cannot be read from a pipe"):
        FileReader("-", Pipe(b"x"), MAPPING, "xlsx")
