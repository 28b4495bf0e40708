"""Files of agencies as offices make them: everything wrong is named with its place, or everything is read."""

import json
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import normalize

import openpyxl
import pytest

from connectors.errors import UnreadableFile, WrongReferenceData
from connectors.reference.reading import read_agencies
from schemas.reference.agency import Agency
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from tests.connectors.reference.files import findings_of, workbook, written

HEADER = "code,name_vi,name_en,parent,level,group,valid_from,valid_to,aliases,successors"
ROWS = """\
H26,UBND thành phố Hà Nội,Hanoi,,province,tỉnh,,,000.00.00.H26|HN,
BD,UBND quận Ba Đình,,H26,district,quận huyện,,2025-06-30,,W1|W2
W1,UBND phường Ba Đình,,HN,commune,xã phường,2025-07-01,,,
W2,UBND phường Ngọc Hà,,H26,commune,xã phường,2025-07-01,,,
"""
AGENCIES = [
    Agency(
        code="H26", name_vi="UBND thành phố Hà Nội", name_en="Hanoi", level="province", group="tỉnh",
        aliases=("000.00.00.H26", "HN"),
    ),
    Agency(
        code="BD", name_vi="UBND quận Ba Đình", parent="H26", level="district", group="quận huyện",
        valid_to=date(2025, 6, 30), successors=("W1", "W2"),
    ),
    Agency(
        code="W1", name_vi="UBND phường Ba Đình", parent="H26", level="commune", group="xã phường",
        valid_from=date(2025, 7, 1),
    ),
    Agency(
        code="W2", name_vi="UBND phường Ngọc Hà", parent="H26", level="commune", group="xã phường",
        valid_from=date(2025, 7, 1),
    ),
]  # fmt: skip

LOCAL_HEADER = "STT;Mã;Tên cơ quan;Tên tiếng Anh;ĐƠN VỊ CHA;Cấp;nhom;Hiệu lực từ;Hiệu lực đến;Mã cũ;Kế thừa;Ghi chú"
LOCAL_ROWS = """\
1;H26;UBND thành phố Hà Nội;Hanoi;;Tỉnh;tỉnh;;;000.00.00.H26|HN;;
2; BD\u00a0;"UBND quận Ba Đình ";;H26;QUẬN;quận huyện;;30/06/2025;;W1| W2|;bãi bỏ
3;W1;UBND phường Ba Đình;;HN;Phường;xã phường;01/07/2025;;;;
;;;;;;;;;;;
4;W2;UBND phường Ngọc Hà;;H26;phuong;xã phường;1/7/2025;31/12/9999;;;
"""


findings = partial(findings_of, read_agencies)


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ROWS}",
        f"\ufeff{HEADER}\r\n{ROWS}".replace("\n", "\r\n"),
        f"sep=,\n{HEADER}\n{ROWS}",
        f"{HEADER}\n{ROWS}".replace(",", "\t"),
        f"{LOCAL_HEADER}\n{LOCAL_ROWS}",
        f"\ufeff\n{LOCAL_HEADER}\n{LOCAL_ROWS}",
        normalize("NFD", f"{LOCAL_HEADER}\n{LOCAL_ROWS}"),
        f"{LOCAL_HEADER}\n{LOCAL_ROWS}".encode("utf-16"),
        f"{LOCAL_HEADER}\n{LOCAL_ROWS}".replace(";", "\t"),
    ],
)
def test_csv_as_offices_save_it(content: str | bytes, tmp_path: Path) -> None:
    assert read_agencies([written(tmp_path, content)]) == AGENCIES


def test_json_as_an_array_and_as_lines(tmp_path: Path) -> None:
    items = [
        {"code": "H26", "name_vi": "UBND thành phố Hà Nội", "name_en": "Hanoi", "parent": None, "level": "province",
         "group": "tỉnh", "aliases": ["000.00.00.H26", "HN"]},
        {"code": "BD", "name_vi": "UBND quận Ba Đình", "parent": "H26", "level": "district", "group": "quận huyện",
         "valid_to": "2025-06-30", "successors": "W1|W2", "aliases": []},
        {"code": "W1", "name_vi": "UBND phường Ba Đình", "parent": "H26", "level": "commune", "group": "xã phường",
         "valid_from": "2025-07-01T00:00:00"},
        {"code": "W2", "name_vi": "UBND phường Ngọc Hà", "parent": "H26", "level": "commune", "group": "xã phường",
         "valid_from": "2025-07-01"},
    ]  # fmt: skip
    array = written(tmp_path, json.dumps(items, indent=1), "file.json")
    lines = written(tmp_path, "\n".join(map(json.dumps, items)), "file.jsonl")
    assert read_agencies([array]) == read_agencies([lines]) == AGENCIES


def test_a_workbook_with_dates_as_dates(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        [],
        ["Mã", "Tên", "Tên tiếng Anh", "Đơn vị cha", "Cấp", "Nhóm", "Từ ngày", "Đến ngày", "Mã khác", "Kế thừa"],
        ["H26", "UBND thành phố Hà Nội", "Hanoi", None, "tỉnh", "tỉnh", None, None, "000.00.00.H26|HN", None],
        ["BD", "UBND quận Ba Đình", None, "H26", "quận", "quận huyện", None, date(2025, 6, 30), None, "W1|W2"],
        ["W1", "UBND phường Ba Đình", None, "HN", "phường", "xã phường", datetime(2025, 7, 1), None, None, None],
        ["W2", "UBND phường Ngọc Hà", None, "H26", "phường", "xã phường", "2025-07-01", None, None, None],
    )
    assert read_agencies([path]) == AGENCIES


def test_several_files_make_one_load(tmp_path: Path) -> None:
    first, *others = ROWS.splitlines()
    above = written(tmp_path, f"{HEADER}\n{first}", "above.csv")
    below = written(tmp_path, "\n".join([HEADER, *others]), "below.csv")
    assert read_agencies([above, below]) == AGENCIES
    assert sorted(each.code for each in read_agencies([below, above])) == ["BD", "H26", "W1", "W2"]
    assert findings(below) == [
        "below.csv:2: parent: 'H26': is not the code of an agency",
        "below.csv:3: parent: 'HN': is not the code of an agency",
        "below.csv:4: parent: 'H26': is not the code of an agency",
    ]
    assert "above.csv:2: is the same row again (" in findings(above, below, above)[0]


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"{LOCAL_HEADER}\n"
        "1;H26;UBND thành phố Hà Nội;;;tỉnh;;;;;;\n"
        "2;h26;Bản sao;;;tỉnh;;;;;;\n"
        "3;A;Sở A;;B;sở;;;;;;\n"
        "4;B;Sở B;;A;sở;;;;;;\n"
        "5;C;;;H27;sơ ban;;31/02/2025;2025-13-01;H26;nobody;\n"
        "6;D;thiếu ô\n"
        "7;E;UBND xã E;;H26;xã;;;30/06/2025;;;\n"
        "8;E;UBND xã E;;H26;xã;;02/07/2025;;;;\n",
    )
    assert findings(path) == [
        "file.csv:3: Mã: 'h26': differs only in case from the code 'H26' (file.csv:2)",
        "file.csv:4: ĐƠN VỊ CHA: 'B': closes a cycle: A → B → A",
        "file.csv:6: Tên cơ quan: is empty",
        "file.csv:6: Cấp: 'sơ ban': is no level: ministry, province, department, district, commune, centre, branch",
        "file.csv:6: Hiệu lực từ: '31/02/2025': is not a day of the calendar",
        "file.csv:6: Hiệu lực đến: '2025-13-01': is not a day of the calendar",
        "file.csv:6: Mã cũ: 'H26': is the code of an agency (file.csv:2)",
        "file.csv:6: ĐƠN VỊ CHA: 'H27': is not the code of an agency",
        "file.csv:6: Kế thừa: 'nobody': is not the code of an agency",
        "file.csv:7: has 3 columns, the header has 12",
        "file.csv:9: Hiệu lực từ: '2025-07-02': leaves the code without a version from 2025-07-01 until 2025-07-01"
        " (file.csv:8)",
    ]


def test_what_cannot_be_read_entails_no_further_finding(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\nA,a,,,commune,,yesterday,,,\nA,a,,,commune,,2025-07-01,,,\n")
    assert findings(path) == ["file.csv:2: valid_from: 'yesterday': is not a date such as 2025-07-01 or 01/07/2025"]


@pytest.fixture
def book() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = "Cơ quan"
    for line in (HEADER, *ROWS.splitlines()):
        book.active.append(line.split(","))
    return book


def saved(book: openpyxl.Workbook, folder: Path) -> Path:
    book.save(folder / "file.xlsx")
    return folder / "file.xlsx"


def test_a_workbook_with_titles_above_the_header(book: openpyxl.Workbook, tmp_path: Path) -> None:
    sheet = book.active
    sheet.insert_rows(1, 3)
    sheet["A1"] = "DANH SÁCH CƠ QUAN, ĐƠN VỊ"
    sheet.merge_cells("A1:J1")
    sheet["A2"], sheet["B2"] = "(ban hành kèm theo", "Quyết định"
    assert read_agencies([saved(book, tmp_path)]) == AGENCIES
    sheet["E8"] = "thôn"
    (found,) = findings(saved(book, tmp_path))
    assert found.startswith("file.xlsx:8 (Cơ quan!E8): level: 'thôn'")


def test_a_workbook_with_hidden_sheets_and_a_guide(book: openpyxl.Workbook, tmp_path: Path) -> None:
    former = book.copy_worksheet(book.active)
    former.sheet_state = "hidden"
    book.move_sheet(former, -1)
    book.create_sheet("Danh mục", 0).append(["Cấp", "Tên"])
    book.create_sheet("Trống", 0)
    book.create_sheet("Thống kê", 0).append(["Cấp"] * 200)
    assert read_agencies([saved(book, tmp_path)]) == AGENCIES


def test_a_second_table_in_a_workbook_is_never_left_out_in_silence(book: openpyxl.Workbook, tmp_path: Path) -> None:
    book.copy_worksheet(book.active).title = "Xã"
    with pytest.raises(UnreadableFile, match="the sheets 'Cơ quan', 'Xã' have a table each"):
        read_agencies([saved(book, tmp_path)])


def test_findings_in_a_workbook_name_the_cell_and_in_json_the_item(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["code", "name_vi", "parent", "level"], ["A", "a", "B", "xã"], [12, "b", None, "thôn"]]
    assert findings(workbook(tmp_path, *rows)) == [
        "file.xlsx:2 (Cơ quan!C2): parent: 'B': is not the code of an agency",
        "file.xlsx:3 (Cơ quan!A3): code: '12': is a number: zeros at its ends, which a code may have, would be"
        " lost; keep the column as text in the spreadsheet",
        "file.xlsx:3 (Cơ quan!D3): level: 'thôn': is no level: ministry, province, department, district, commune,"
        " centre, branch",
    ]
    items = '[{"code": "A", "name_vi": "a", "parent": "", "level": "xã"},\n{"code": "B", "name_vi": "b", "parent": "C",'
    path = written(tmp_path, items + '"level": "xã"},\n7,\n{"code": 1, "name_vi": {}, "level": "xã"}]', "file.json")
    assert findings(path) == [
        "file.json:2 (item 1): parent: 'C': is not the code of an agency",
        "file.json:3 (item 2): is not a JSON object",
        "file.json:4 (item 3): has an object or a list of lists in 'name_vi': a value or a list of values is expected",
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("code,name_vi,level", ["parent: is missing: the file needs this column"]),
        ("code,name_vi,parent,level,succesors", ["succesors: is not a known column: is successors meant?"]),
        (
            "code,name_vi,parent,level,địa chỉ",
            ["địa chỉ: is not a known column: there are code, name_vi, name_en, parent, level, group, valid_from,"
             " valid_to, aliases, successors"],
        ),
        ("code,name_vi,parent,level,Mã", ["Mã: is the column code, as is 'code'"]),
        ("code,name_vi,parent,level,code", ["code: is the column code, as is 'code'"]),
    ],
)  # fmt: skip
def test_headers_that_do_not_fit(header: str, expected: list[str], tmp_path: Path) -> None:
    row = dict(zip(("code", "name_vi", "parent", "level"), ("A", "a", "", "xã"), strict=True))
    values = ",".join(row.get(name, "") for name in header.split(","))
    path = written(tmp_path, f"{header}\n{values}\n")
    assert findings(path) == [f"file.csv:1: {wrong}" for wrong in expected]


def test_values_without_a_header(tmp_path: Path) -> None:
    path = written(tmp_path, "code,name_vi,parent,level,,\nA,a,,xã,,\nB,b,,xã,,H26\n")
    assert findings(path) == ["file.csv:3: column 6: has values below an empty header"]
    assert len(read_agencies([written(tmp_path, "code,name_vi,parent,level,,\nA,a,,xã,,\n")])) == 1


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("a.csv", "", "it is empty; it must have a header of column names"),
        ("a.csv", "\ufeff\n \n", "it is empty; it must have a header of column names"),
        ("a.csv", f"{HEADER}\n", "it has no rows below its header"),
        ("a.csv", f"{HEADER}\n,,,,,,,,,\n", "it has no rows below its header"),
        ("a.csv", '"never closed\n', "its header cannot be read: a quote is opened and never closed"),
        ("a.json", " ", "it is empty; it must have an array of JSON objects"),
        ("a.json", "[]", "it is empty; it must have an array of JSON objects"),
        ("a.xlsx", "PK", "it is not an XLSX workbook, or has a password"),
        ("a.xls", "", "save it as .xlsx"),
        ("a.csv", ",".join(map(str, range(101))), "it has 101 columns, at most 100 are read"),
        ("a.json", json.dumps([dict.fromkeys(map(str, range(101)))]), "there are more than 100 columns"),
    ],
)
def test_files_that_hold_no_table(name: str, content: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=wrong):
        read_agencies([written(tmp_path, content, name)])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"none\.csv: cannot be read: No such file or directory"):
        read_agencies([tmp_path / "none.csv"])


def test_an_empty_workbook(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="the sheet 'Cơ quan' is empty"):
        read_agencies([workbook(tmp_path)])


def test_rows_that_cannot_be_read_do_not_hide_others(tmp_path: Path) -> None:
    good = b"A,a,,,commune,,,,,\n"
    bad = [b"B,\xe0\xe1,,,commune,,,,,\n", b"C,\0,,,commune,,,,,\n", b'D,"x" y,,,commune,,,,,\n']
    path = written(tmp_path, f"{HEADER}\n".encode() + good + b"".join(bad) + good)
    assert findings(path) == [
        "file.csv:3: is not UTF-8: invalid continuation byte at byte 3 of the line",
        "file.csv:4: holds a NUL byte",
        "file.csv:5: is not CSV: ',' expected after '\"'",
        "file.csv:6: is the same row again (file.csv:2)",
    ]


def test_json_that_is_no_table(tmp_path: Path) -> None:
    items = ['{"code": "A", "code": "B"}', '{"code": NaN}', '{"name_vi": [[1]]}', '{"x": ' + "[" * 100_000]
    path = written(tmp_path, "[" + ",\n".join(items), "file.json")
    assert findings(path) == [
        "file.json:1 (item 0): has the key 'code' twice",
        "file.json:2 (item 1): is not JSON: NaN is no value",
        "file.json:3 (item 2): has an object or a list of lists in 'name_vi': a value or a list of values is expected",
        "file.json:4 (item 3): is not closed until the end of the file",
        "file.json:4 (item 4): the array is not closed: the file ends within it",
    ]


def test_names_may_hold_anything_that_people_write(tmp_path: Path) -> None:
    names = ["Sở \"Một' cửa", "a < b & c | d", "dòng một\ndòng hai", "=1+1", "đ" * 300, "'; DROP TABLE agencies; --"]
    items = [{"code": f"C{at}", "name_vi": name, "parent": "", "level": "xã"} for at, name in enumerate(names)]
    json_path = written(tmp_path, json.dumps(items), "file.json")
    xlsx_path = workbook(tmp_path, list(items[0]), *([*item.values()] for item in items if item["name_vi"] != "=1+1"))
    cells = ("".join(f'{key},"{name}",,xã\n' for key, name in
                     ((item["code"], item["name_vi"].replace('"', '""')) for item in items)))  # fmt: skip
    csv_path = written(tmp_path, "code,name_vi,parent,level\n" + cells)
    for path in (json_path, csv_path):
        assert [each.name_vi for each in read_agencies([path])] == names
    assert [each.name_vi for each in read_agencies([xlsx_path])] == [name for name in names if name != "=1+1"]


def test_a_quote_that_keeps_a_spreadsheet_from_computing_is_no_part_of_a_name(tmp_path: Path) -> None:
    cells = ["A", "'=1+1", "", "xã"]
    csv_path = written(tmp_path, "code,name_vi,parent,level\n" + ",".join(cells))
    xlsx_path = workbook(tmp_path, ["code", "name_vi", "parent", "level"], cells)
    assert [read_agencies([path])[0].name_vi for path in (csv_path, xlsx_path)] == ["=1+1", "=1+1"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("đ" * 301, f"'{'đ' * 100}…': has 301 characters, at most 300 are allowed"),
        ("a\x1b[31m", r"'a\x1b[31m': holds a control character"),
        ("#REF!", "'#REF!': is a failed formula"),
        (True, "'True': is a yes or no, not a text"),
        (["a", "b"], "'a|b': is a list, not a text"),
        ("\ud800", r"'\ud800': holds a control character"),
    ],
)
def test_names_that_are_none(name: Any, wrong: str, tmp_path: Path) -> None:
    item = {"code": "A", "name_vi": name, "parent": "", "level": "xã"}
    path = written(tmp_path, json.dumps([item]), "file.json")
    assert findings(path) == [f"file.json:1 (item 0): name_vi: {wrong}"]


@pytest.mark.parametrize("composed", [True, False])
def test_a_long_name_counts_letters_whatever_their_form(composed: bool, tmp_path: Path) -> None:
    name = normalize("NFC" if composed else "NFD", "ệ" * 300)
    path = written(tmp_path, f"code,name_vi,parent,level\nA,{name},,xã\n")
    assert read_agencies([path])[0].name_vi == "ệ" * 300


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("2.617E+16", "is a number whose last digits are cut"),
        ("20260000.0", "is a number that was saved as a float"),
        ("NULL", "is a word for nothing"),
        ("03/12/2025", "is a date, which a spreadsheet makes of a code"),
        ("3-Dec", "is a date, which a spreadsheet makes of a code"),
        ("Mar-25", "is a date, which a spreadsheet makes of a code"),
        ("#N/A", "is a word for nothing"),
        ("A|B", "holds a |, which separates codes; one code is expected"),
        ("A\u00a0B", "holds a line end, a tab, a non-breaking space or an invisible character"),
        ("A\u200bB", "holds a line end, a tab, a non-breaking space or an invisible character"),
        ("c" * 101, "has 101 characters, at most 100 are allowed"),
    ],
)
def test_codes_that_a_spreadsheet_or_a_page_has_changed(code: str, wrong: str, tmp_path: Path) -> None:
    (found,) = findings(written(tmp_path, f"code,name_vi,parent,level\n{code},a,,xã\n"))
    assert wrong in found


@pytest.mark.parametrize("code", [12, 1.5, True, date(2025, 12, 3)])
def test_codes_that_are_no_text_in_a_workbook(code: Any, tmp_path: Path) -> None:
    rows = [["code", "name_vi", "parent", "level"], ["A", "a", code, "xã"]]
    (found,) = findings(workbook(tmp_path, *rows))
    assert found.startswith("file.xlsx:2 (Cơ quan!C2): parent: ")
    assert found.endswith("keep the column as text in the spreadsheet")


@pytest.mark.parametrize("code", ["H26.17", "000.00.00.H26", "Mar", "Đ-3", "01", "1.001193", "Tổ 1"])
def test_codes_stay_as_they_are(code: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"code,name_vi,parent,level\n\u200b{code} \u00a0,a,,xã\n")
    assert [each.code for each in read_agencies([path])] == [code]


@pytest.mark.parametrize(
    ("written_as", "day"),
    [
        ("2025-07-01", date(2025, 7, 1)),
        ("2025-7-1", date(2025, 7, 1)),
        ("2025-07-01 00:00:00", date(2025, 7, 1)),
        ("1.7.2025", date(2025, 7, 1)),
        ("01-07-2025", date(2025, 7, 1)),
        ("1900-01-01", FIRST_DAY),
        ("9999-12-31", LAST_DAY),
    ],
)
def test_days_as_they_are_written(written_as: str, day: date, tmp_path: Path) -> None:
    path = written(tmp_path, f"code,name_vi,parent,level,valid_to\nA,a,,xã,{written_as}\n")
    assert read_agencies([path])[0].valid_to == day


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        (45839, "'45839': is a number, not a date: format the cell as a date, or write 2025-07-01"),
        (datetime(2025, 7, 1, 8, 30), "'2025-07-01T08:30:00': has a time of day; a day is expected"),
        ("1/7/25", "'1/7/25': is not a date such as 2025-07-01 or 01/07/2025"),
        ("07/31/2025", "'07/31/2025': is not a day of the calendar"),
        ("1789-07-14", "'1789-07-14': is not between 1900-01-01 and 2299-12-31"),
    ],
)
def test_days_that_are_none(cell: Any, wrong: str, tmp_path: Path) -> None:
    path = workbook(tmp_path, ["code", "name_vi", "parent", "level", "valid_to"], ["A", "a", "", "xã", cell])
    assert findings(path) == [f"file.xlsx:2 (Cơ quan!E2): valid_to: {wrong}"]


def test_limits_of_rows_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, f"{HEADER}\n{ROWS}")
    monkeypatch.setattr("connectors.reference.text_tables.MAX_ROWS", 3)
    with pytest.raises(UnreadableFile, match="it has more than 3 rows"):
        read_agencies([path])
    monkeypatch.setattr("connectors.reference.text_tables.MAX_BYTES", 30)
    with pytest.raises(UnreadableFile, match="it has more than 30 bytes"):
        read_agencies([path])


def test_the_error_itself_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, "code,name_vi,parent,level\nA,,,xã\nB,,,xã\n")
    with pytest.raises(WrongReferenceData) as raised:
        read_agencies([path])
    assert str(raised.value) == f"{path}:2: name_vi: is empty (and 1 more findings)"
