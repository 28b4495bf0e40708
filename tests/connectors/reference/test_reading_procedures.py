"""Files of procedures: versions by channel, terms and fees as the catalogue has them."""

import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.reference.reading import read_procedures
from schemas.reference.procedure import FeeLine, ProcedureVersion
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from tests.connectors.reference.files import findings_of, workbook, written

findings = partial(findings_of, read_procedures)
HEADER = (
    "code,name_vi,name_en,field,level,service_level,channel,term,unit,fee,electronic_result,valid_from,valid_to,"
    "components_reusable"
)
END, NEXT = date(2025, 12, 31), date(2026, 1, 1)
BIRTH = ProcedureVersion(
    code="1.001193",
    name_vi="Đăng ký khai sinh",
    name_en="Registration of birth",
    field="Hộ tịch",
    levels=("district", "commune"),
    service_level="full",
    channel="online",
    term=3,
    unit="working days",
    fees=(FeeLine("Lệ phí", 0, valid_to=END), FeeLine("Lệ phí", 8000, NEXT, LAST_DAY)),
    electronic_result=True,
    components_reusable=("Giấy chứng sinh", "Giấy chứng nhận kết hôn"),
    valid_from=date(2025, 7, 1),
)


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n1.001193,Đăng ký khai sinh,Registration of birth,Hộ tịch,district|commune,full,online,3,"
        "working days,Lệ phí=0 until 2025-12-31|Lệ phí=8000 from 2026-01-01,yes,2025-07-01,,"
        "Giấy chứng sinh|Giấy chứng nhận kết hôn\n",
        "Mã TTHC;Tên thủ tục;Tên tiếng Anh;Lĩnh vực;Cấp thực hiện;Mức độ DVC;Kênh thực hiện;Thời hạn giải quyết;"
        "Đơn vị tính;Phí, lệ phí;Kết quả điện tử;Hiệu lực từ;Thành phần tái sử dụng\n"
        "1.001193;Đăng ký khai sinh;Registration of birth;Hộ tịch;cấp huyện|Cấp xã;Toàn trình;Trực tuyến;3;"
        "ngày làm việc;Lệ phí=0 đ đến 31/12/2025|Lệ phí=8.000đ từ ngày 01/01/2026;có;1/7/2025;"
        "Giấy chứng sinh|Giấy chứng nhận kết hôn\n",
    ],
)
def test_a_procedure_in_english_and_in_vietnamese(content: str, tmp_path: Path) -> None:
    assert read_procedures([written(tmp_path, content)]) == [BIRTH]


def test_a_procedure_in_json_with_numbers_and_lists(tmp_path: Path) -> None:
    item = {
        "code": "1.001193", "name_vi": "Đăng ký khai sinh", "name_en": "Registration of birth", "field": "Hộ tịch",
        "level": ["district", "commune"], "service_level": "full", "channel": "online", "term": 3,
        "unit": "working days", "fee": ["Lệ phí=0 until 2025-12-31", "Lệ phí=8000 from 2026-01-01"],
        "electronic_result": True, "valid_from": "2025-07-01",
        "components_reusable": ["Giấy chứng sinh", "Giấy chứng nhận kết hôn"],
    }  # fmt: skip
    assert read_procedures([written(tmp_path, json.dumps([item]), "file.json")]) == [BIRTH]


def test_a_workbook_with_numbers(tmp_path: Path) -> None:
    header = ["code", "name_vi", "level", "service_level", "term", "unit", "fee", "electronic_result"]
    path = workbook(tmp_path, header, ["G1", "a", "xã", 4, 8.0, "giờ làm việc", 150000, 0])
    assert read_procedures([path]) == [
        ProcedureVersion(
            code="G1", name_vi="a", levels=("commune",), service_level="4", term=8, unit="working hours",
            fees=(FeeLine("", 150_000),),
        )
    ]  # fmt: skip


def one(tmp_path: Path, **cells: Any) -> Path:
    row = {"code": "1", "name_vi": "a", "level": "xã", "service_level": "full", **cells}
    return written(tmp_path, json.dumps([row]), "file.json")


@pytest.mark.parametrize(
    ("fee", "lines"),
    [
        ("", ()),
        ("0", (FeeLine("", 0),)),
        ("Miễn phí", (FeeLine("", 0),)),
        ("150.000 đ", (FeeLine("", 150_000),)),
        ("a=b=5", (FeeLine("a=b", 5),)),
        ("Phí 'A' < \"B\"=10|20|", (FeeLine("Phí 'A' < \"B\"", 10), FeeLine("", 20))),
        ("5 from 2025-01-01 until 31/12/2025", (FeeLine("", 5, date(2025, 1, 1), END),)),
        ("5 until 2025-12-31 from 2025-01-01", (FeeLine("", 5, date(2025, 1, 1), END),)),
        ("Từ thiện=5 đến ngày 31/12/2025", (FeeLine("Từ thiện", 5, FIRST_DAY, END),)),
    ],
)
def test_fees(fee: str, lines: tuple[FeeLine, ...], tmp_path: Path) -> None:
    assert read_procedures([one(tmp_path, fee=fee)])[0].fees == lines


@pytest.mark.parametrize(
    ("column", "cell", "wrong"),
    [
        ("fee", "Lệ phí", "has an amount that is not an amount"),
        ("fee", "Lệ phí=", "has an amount that is not an amount"),
        ("fee", "-5", "is not between 0 and 1000000000000 đồng"),
        ("fee", "1.5", "has an amount that is not a whole number"),
        ("fee", "5 until tomorrow", "is not a date such as 2025-07-01 or 01/07/2025"),
        ("fee", True, "is not a fee: write it as AMOUNT or NAME=AMOUNT"),
        ("level", "xã|thôn", "is no level: ministry, province, department, district, commune, centre, branch"),
        ("service_level", "2", "is no service level: full, partial, information, 4, 3"),
        ("channel", "fax", "is no channel: direct, online, postal"),
        ("electronic_result", "maybe", "is no yes or no: yes, no"),
        ("term", "15 ngày", "is not a whole number"),
        ("term", 1.5, "is not a whole number that a float holds exactly"),
        ("term", -1, "is not between 0 and 9999"),
        ("unit", "giờ", "is no unit: working hours, working days, days, months"),
    ],
)
def test_values_that_are_none(column: str, cell: Any, wrong: str, tmp_path: Path) -> None:
    # A term or unit that cannot be read does not make the other one lonely.
    both: dict[str, dict[str, Any]] = {"term": {"unit": "days"}, "unit": {"term": 1}}
    path = one(tmp_path, **both.get(column, {}), **{column: cell})
    assert findings(path) == [f"file.json:1 (item 0): {column}: '{cell}': {wrong}"]


def test_a_list_that_is_too_long(tmp_path: Path) -> None:
    (found,) = findings(one(tmp_path, fee="1|" * 2000))
    assert found.endswith("has 2001 elements, at most 1000 are read")


def test_faults_between_rows(tmp_path: Path) -> None:
    rows = "1,a,,,xã,full,,3,,,,,,\n1,a,,,xã,full,online,3,days,,,,,\n2,b,,,xã,full,,,days,,,,,\n3,c,,,,,,,,,,,,\n"
    assert findings(written(tmp_path, f"{HEADER}\n{rows}")) == [
        "file.csv:2: term: '3': has no unit",
        "file.csv:3: valid_from: overlaps another version of the code (file.csv:2)",
        "file.csv:4: unit: 'days': has no term",
        "file.csv:5: level: is empty",
        "file.csv:5: service_level: is empty",
    ]
