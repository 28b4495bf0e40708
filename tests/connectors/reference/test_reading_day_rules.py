"""Files of calendars: what people write is read, and every cell that is wrong is named."""

import json
from datetime import date, datetime, time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import UnreadableFile, WrongReferenceData
from connectors.reference.reading import read_day_rules
from schemas.reference.validity import LAST_DAY
from schemas.working_time.calendar import Calendars
from schemas.working_time.day_rule import DayRule
from schemas.working_time.hours import Hours
from tests.connectors.reference.files import findings_of, workbook, written

findings = partial(findings_of, read_day_rules)
SAMPLES = Path(__file__).parents[3] / "samples"
SUMMER = DayRule(
    first=date(2026, 4, 16),
    last=date(2026, 10, 15),
    weekdays=(1, 2, 3, 4, 5),
    kind="worked",
    hours=(Hours(420, 690), Hours(810, 1020)),
    agency="H26",
    applies_to="working",
    same_day_until=870,
    name="Giờ mùa hè",
    source="QĐ 12",
)
SATURDAY = DayRule(first=date(2026, 2, 14), last=date(2026, 2, 14), kind="half", applies_to="reception")
MORNINGS = DayRule(first=date(2026, 1, 1), last=LAST_DAY, weekdays=(6,), kind="half", hours=(Hours(450, 690),))


def test_vietnamese_csv(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "STT;Từ ngày;Đến ngày;Thứ;Loại;Giờ làm việc;Mã cơ quan;Áp dụng;Nhận trong ngày đến;Tên;Căn cứ\n"
        "1;16/04/2026;15/10/2026;thứ hai|thứ 3|T4|thứ năm|Thứ Sáu;làm việc;13h30-17h|7h00-11h30;H26;làm việc;14h30"
        ";Giờ mùa hè;QĐ 12\n"
        "2;14/02/2026;;;nửa ngày;;;tiếp nhận;;;\n"
        "3;01/01/2026;;thứ bảy;nửa ngày;7h30–11h30;;;;;\n",
    )
    assert read_day_rules([path]) == [MORNINGS, SATURDAY, SUMMER]


def test_json_and_workbooks_with_dates_and_times_of_their_own(tmp_path: Path) -> None:
    record = {
        "from": "2026-04-16",
        "to": "2026-10-15",
        "weekdays": ["fri", "Mon", "tue", "wed", "thu", "mon"],
        "kind": "worked",
        "hours": ["07:00-11:30", "13:30-17:00"],
        "agency": "H26",
        "applies to": "working time",
        "same_day_until": "14:30",
        "name": "Giờ mùa hè",
        "source": "QĐ 12",
    }
    assert read_day_rules([written(tmp_path, json.dumps([record]), "file.json")]) == [SUMMER]
    cells = [datetime(2026, 4, 16), date(2026, 10, 15), "mon|tue|wed|thu|fri", *[*record.values()][3:]]
    cells[4:8] = ["07:00-11:30|13:30-17:00", "H26", "working", time(14, 30)]
    assert read_day_rules([workbook(tmp_path, [*record], cells)]) == [SUMMER]


def test_every_cell_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "from,to,weekdays,kind,hours,agency,applies_to,same_day_until\n"
        "2026-02-30,,,off,,,,\n"
        ",,,off,,,,\n"
        "2026-03-02,2026-03-01,,closed,08:00-12:00|11:00-17:00,1.5e3,everybody,3pm\n"
        "2026-03-03,,2|3,worked,08:00-12:00,,,\n"
        "2026-03-04,,,off,08:00-12:00,,,\n"
        "2026-03-04,,,worked,,,,\n",
    )
    assert findings(path) == [
        "file.csv:2: from: '2026-02-30': is not a day of the calendar",
        "file.csv:3: from: is empty",
        "file.csv:4: kind: 'closed': is no kind of day: off, worked, half",
        "file.csv:4: hours: '08:00-12:00|11:00-17:00': has no break between 08:00-12:00 and 11:00-17:00",
        "file.csv:4: agency: '1.5e3': is a number whose last digits are cut: "
        "keep the column as text in the spreadsheet",
        "file.csv:4: applies_to: 'everybody': is no choice: both, working, reception",
        "file.csv:4: same_day_until: '3pm': is not a time of day such as 07:30",
        "file.csv:5: weekdays: '2|3': is no weekday: mon, tue, wed, thu, fri, sat, sun",
        "file.csv:6: hours: '08:00-12:00': is given for a day off",
        "file.csv:7: from: '2026-03-04': is given another meaning by another row (file.csv:6)",
    ]


def test_a_file_needs_its_columns(tmp_path: Path) -> None:
    assert findings(written(tmp_path, "from,colour\n2026-03-02,red\n")) == [
        "file.csv:1: colour: is not a known column: there are from, to, weekdays, kind, hours, agency, applies_to, "
        "same_day_until, name, source",
        "file.csv:1: kind: is missing: the file needs this column",
    ]


def test_the_sample_makes_calendars_of_a_province_and_its_agencies() -> None:
    calendars = Calendars(read_day_rules([SAMPLES / "calendar.csv"]))
    assert calendars.agencies == ["H21", "H21.17", "H21.901"]
    saturday = calendars.of(("H21", "H21.901")).day(date(2026, 3, 7))
    assert (saturday.kind, saturday.hours) == ("half", (Hours(450, 690),))


DAYS = ("2026-03-02", "2026-03-07", "1900-01-01", "31/12/9999", "mon|sun", "t7")
WORDS = ("off", "worked", "half", "08:00-12:00", "13:00-17:00|08:00-12:00", "15:00", "reception", "H26", "")
HOSTILE = ("\x00", '"', "\n", "=1", "9" * 400)
CELLS = st.sampled_from((*DAYS, *WORDS, *HOSTILE)) | st.text(max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=5))
def test_whatever_a_file_holds_becomes_a_calendar_or_findings(tmp_path: Path, rows: list[list[str]]) -> None:
    columns = ("from", "to", "weekdays", "kind", "hours", "agency", "applies_to", "same_day_until")
    content = [dict(zip(columns, row, strict=True)) for row in rows]
    path = written(tmp_path, json.dumps(content, ensure_ascii=False), "file.json")
    try:
        rules = read_day_rules([path])
    except WrongReferenceData as error:
        found = [str(finding) for finding in error.findings]
    except UnreadableFile:
        found = [""]
    else:
        found = [""]
        calendar = Calendars(rules).of(("H26",))
        for day in (date(2026, 3, 2), date(2026, 3, 7)):
            assert calendar.day(day).minutes <= 1439
            assert calendar.reception(day).minutes <= 1439
    assert found
    assert not any("\n" in finding for finding in found)


@pytest.mark.parametrize("text", ["", "[]", "from,kind\n"])
def test_a_file_without_rows_is_no_calendar(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFile):
        read_day_rules([written(tmp_path, text, "file.json" if text == "[]" else "file.csv")])
