"""What a mapping can say about a nested record: arrays, look-ups, changes of single fields, zones."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.errors import WrongMapping
from connectors.files.file_reader import FileReader
from connectors.files.mapping import Mapping
from connectors.files.mapping_file import decode_mapping
from connectors.files.rejects_file import RejectsFile
from connectors.files.row import Row
from connectors.files.row_mapper import MappedRow, RowMapper

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MAPPING = """
source = "education"
time_zone = "Asia/Ho_Chi_Minh"
formats = ["%d/%m/%Y %H:%M", "iso"]
dossier = { column = "$.hoSo.ma", without_prefix = ["000.00.01."], case = "upper" }
recorded_at = { column = "$.luc" }

[[events]]
kind = "received"
occurred_at = { column = "$.hoSo.nhan" }
[events.fields]
agency = { column = "$.hoSo.donVi", look_up = { file = "units.csv", key = "old", value = "code" } }
channel = "online"

[[events]]
kind = "progressed"
occurred_at = { column = "$.buoc[*].luc", time_zone = "UTC" }
key = ["$.buoc[*].id"]
when = { column = "$.buoc[*].loai", one_of = ["XL"] }
fields = { step = { column = "$.buoc[*].ten" }, unit = { column = "$.hoSo.donVi" } }
"""
RECORD: dict[str, Any] = {
    "luc": "05/01/2026 10:00",
    "hoSo": {"ma": "000.00.01.h26-1", "nhan": "05/01/2026 08:30", "donVi": " P.GD "},
    "buoc": [
        {"id": 1, "loai": "XL", "luc": "2026-01-05T02:00:00", "ten": "Tiếp nhận"},
        {"id": 2, "loai": "khác", "luc": "2026-01-05T02:10:00", "ten": "bỏ"},
        {"id": 3, "loai": "XL", "luc": "hôm qua", "ten": "Thẩm định"},
    ],
}
UNITS = "\ufeffold;code;name\nP.GD;H26.17;Phòng GD\nP.NV;H26.18;\n;;\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text(UNITS)
    return tmp_path


def rows(mapping: Mapping, *records: object) -> list[Row]:
    content = b"\n".join(map(msgspec.json.encode, records))
    with FileReader("-", io.BytesIO(content), mapping, "jsonl") as found:
        return [row for row in found if isinstance(row, Row)]


def mapped(folder: Path, record: object, text: str = MAPPING) -> MappedRow:
    mapping = decode_mapping(text.encode(), "m.toml", folder)
    (row,) = rows(mapping, record)
    return RowMapper(mapping, NOW, NOW).events_of(row)


def test_a_document_gives_its_events_and_one_for_each_element(folder: Path) -> None:
    found = mapped(folder, RECORD)
    received, progressed = (msgspec.to_builtins(event) for _, event in found.events)
    assert (received["dossier"], received["agency"]) == ("H26-1", "H26.17")
    assert received["recorded_at"] == "2026-01-05T03:00:00Z"
    assert (progressed["step"], progressed["occurred_at"]) == ("Tiếp nhận", "2026-01-05T02:00:00Z")
    assert [(each.event, each.column, each.value) for each in found.rejects] == [
        ("progressed", "$.buoc[2].luc", "hôm qua")
    ]


def test_the_same_elements_in_another_order_give_the_same_events(folder: Path) -> None:
    turned = RECORD | {"buoc": RECORD["buoc"][::-1]}
    events = [{event.id: event for _, event in mapped(folder, each).events} for each in (RECORD, turned)]
    assert events[0] == events[1]


def test_a_document_without_elements_gives_the_rest(folder: Path) -> None:
    empties: list[object] = [[], None, ""]
    for none in empties:
        assert len(mapped(folder, RECORD | {"buoc": none}).events) == 1


def test_each_element_may_be_a_dossier_of_its_own(folder: Path) -> None:
    text = """
    source = "s"
    time_zone = "UTC"
    dossier = { column = "$.list[*].id" }
    [[events]]
    kind = "received"
    occurred_at = { column = "$.at" }
    fields = { agency = "H26" }
    """
    record = {"at": "2026-01-05", "list": [{"id": "a"}, {"id": ""}, {"id": "b"}]}
    found = mapped(folder, record, text)
    assert [event.dossier for _, event in found.events] == ["a", "b"]
    assert [(each.column, each.reason) for each in found.rejects] == [("$.list[1].id", "is empty")]


def test_a_code_that_the_table_lacks_is_rejected_by_the_name_of_the_table(folder: Path) -> None:
    record = RECORD | {"hoSo": RECORD["hoSo"] | {"donVi": "?"}}
    (reject,) = [each for each in mapped(folder, record).rejects if each.event == "received"]
    assert reject.reason == "is not in the column 'old' of units.csv"


def test_what_is_rejected_can_be_imported_again_with_its_elements(folder: Path) -> None:
    mapping = decode_mapping(MAPPING.encode(), "m.toml", folder)
    (row,) = rows(mapping, RECORD)
    file = folder / "rejects.csv"
    with RejectsFile(file, "f.jsonl", NOW, 0) as rejects:
        rejects.add(row, "$.buoc[2].luc", "hôm qua", "is no time", event="progressed")
    file.write_text(file.read_text().replace("hôm qua", "2026-01-05T02:20:00"))
    with FileReader(str(file), io.BytesIO(), mapping, "csv") as found:
        (again,) = found
    assert isinstance(again, Row)
    first, second = (RowMapper(mapping, NOW, NOW).events_of(each) for each in (row, again))
    assert {event.id for _, event in first.events} < {event.id for _, event in second.events}
    assert not second.rejects


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('key = ["$.buoc[*].id"]', 'key = ["$.khac[*].id"]', "are of two arrays: give an event for each"),
        ('"$.luc"', '"$.luc["', r"'\$\.luc\[' is no path such as"),
        ('time_zone = "UTC"', 'time_zone = "Sao Hỏa"', "'Sao Hỏa' is not a zone"),
        ('{ column = "$.luc" }', '{ column = "$.luc", case = "upper" }', "not for times"),
        ("units.csv", "none.csv", "the table of a look-up cannot be read: No such file"),
        ('key = "old"', 'key = "alt"', "'alt' is not there; there are code, name, old"),
        ('column = "$.hoSo.donVi", look_up', 'values = { a = "b" }, column = "$.hoSo.donVi", look_up', "has both"),
    ],
)
def test_what_cannot_be_meant_is_told(folder: Path, old: str, new: str, message: str) -> None:
    assert old in MAPPING
    with pytest.raises(WrongMapping, match=message):
        decode_mapping(MAPPING.replace(old, new).encode(), "m.toml", folder)


def test_a_table_that_gives_a_code_two_meanings_is_refused(folder: Path) -> None:
    (folder / "units.csv").write_text(UNITS + "P.GD;H26.19;\n")
    with pytest.raises(WrongMapping, match=r"units\.csv:5: 'P\.GD' has two meanings: 'H26\.17' and 'H26\.19'"):
        decode_mapping(MAPPING.encode(), "m.toml", folder)


def test_what_a_mapping_of_before_lacks_is_not_in_its_digest() -> None:
    text = 'source="s"\ntime_zone="UTC"\ndossier={column="id"}\n[[events]]\nkind="returned"\noccurred_at={column="at"}'
    plain = msgspec.to_builtins(decode_mapping(text.encode(), "m"))
    assert not {"look_up", "case", "without_prefix", "time_zone"} & plain["dossier"].keys()
