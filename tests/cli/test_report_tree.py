"""`dossier report` of a level, of an agency with its tree, and of procedures."""

import csv
import json

import pytest

from schemas.connection import ClickHouseConnection
from schemas.events import Received, Resolved
from schemas.reference.procedure import ProcedureVersion
from streams.reports.report import FIGURES, RATES
from streams.storage.clickhouse_client import database
from tests.cli.commands import Run, named
from tests.schemas.reference.agencies import agency
from tests.streams.cases import said
from tests.streams.counted import count
from tests.streams.declared import declare_agencies, declare_procedures

pytestmark = pytest.mark.clickhouse

HOSTILE = "=cmd|'/c calc'!A1 \"<b>\x1b[31m\nĐất " + "x" * 300


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    """A commune below a district with a hostile name, a department, and a code that nobody declared."""
    count(
        clickhouse,
        said(Received, "2025-06-30 23:59", dossier="D1", agency="C1", procedure="1.1", channel="online"),
        said(Resolved, "2025-07-02 23:59", dossier="D1"),
        said(Received, "2025-07-01 08:00", dossier="D2", agency="000.00.01.H26", procedure="9.9"),
        said(Received, "2025-07-01 08:00", dossier="D3", agency="nobody|'\x1b[0m"),
    )
    with database(clickhouse) as client:
        declare_agencies(
            client,
            [
                agency("H26", level="province", name="Hà Nội"),
                agency("Q1", "H26", level="district", name=HOSTILE),
                agency("C1", "Q1", name="Phường 1"),
                agency("S1", "H26", level="department", name="Sở Xây dựng", aliases=["000.00.01.H26"]),
            ],
        )
        declare_procedures(
            client,
            [
                ProcedureVersion(code="1.1", name_vi=HOSTILE, field="Đất đai", service_level="full"),
                ProcedureVersion(code="1.2", name_vi="Thủ tục", field="Hộ tịch", service_level="3"),
            ],
        )
    return clickhouse


def cells(text: str) -> list[list[str]]:
    return [[cell.rstrip()[1:] for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_a_tree_is_indented_and_its_names_control_no_terminal(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("report", "--tree", **named(counted))
    assert (ended.code, ended.err) == (0, "")
    assert "\x1b" not in ended.out
    found = {row[1].strip(): row for row in cells(ended.out) if row[1].strip()}
    assert found["H26"][0] == "Hà Nội"
    assert found["Q1"][0].startswith("  =cmd|'/c calc'!A1 \"<b>")
    assert found["C1"][0] == "    Phường 1"
    assert found["S1"][0] == "  Sở Xây dựng"
    assert [cell.strip() for cell in found["H26"][2:]] == ["2", "50.0%", "1", "100.0%", "1", "0"]
    assert "chưa khai báo / not declared" in ended.out
    assert "All agencies" in ended.out


def test_json_has_each_node_with_itself_and_all_below(dossier: Run, counted: ClickHouseConnection) -> None:
    found = json.loads(dossier("report", "--agency", "H26", "--tree", "--json", **named(counted)).out)
    assert found.keys() == {"as_of", "rules", "leading_rule", "tree_as", "nodes", "total", "freshness"}
    assert found["tree_as"] == "today"
    assert [(node["code"], node["parent"], node["level"], node["depth"]) for node in found["nodes"]] == [
        ("H26", "", "province", 1),
        ("Q1", "H26", "district", 2),
        ("C1", "Q1", "commune", 3),
        ("S1", "H26", "department", 2),
    ]
    province, district, *_ = found["nodes"]
    assert province.keys() >= {"name", "own", *FIGURES, *RATES}
    assert (province["received"], province["own"]["received"], district["received"]) == (2, 0, 1)
    assert district["name"] == HOSTILE
    assert found["total"]["received"] == 3


def test_a_level_is_a_line_an_agency_also_in_csv_that_no_spreadsheet_computes(
    dossier: Run, counted: ClickHouseConnection
) -> None:
    out = dossier("report", "--level", "district", "--csv", "--to", "2025-06-30", **named(counted)).out
    district, total = csv.DictReader(out.splitlines(keepends=True))
    assert (district["code"], district["parent"], district["received"]) == ("Q1", "H26", "1")
    assert district["name"] == "'" + HOSTILE
    assert (total["code"], total["received"]) == ("", "1")
    exact = dossier("report", "--level", "district", "--csv", "--exact", **named(counted)).out
    assert next(csv.DictReader(exact.splitlines(keepends=True)))["name"] == HOSTILE


def test_an_agency_is_found_by_an_alias_and_one_that_is_nothing_is_told(
    dossier: Run, counted: ClickHouseConnection
) -> None:
    found = json.loads(dossier("report", "--agency", "000.00.01.H26", "--json", **named(counted)).out)
    assert [(node["code"], node["received"]) for node in found["nodes"]] == [("S1", 1)]
    ended = dossier("report", "--agency", "never\x1b", **named(counted))
    assert ended.code == 2
    assert r"agency 'never\x1b' is neither declared nor counted" in ended.err


def test_a_level_that_no_agency_has_says_where_to_look(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("report", "--level", "ministry", **named(counted))
    assert ended.code == 0
    assert "No agency of level ministry is in today's tree; `--tree-as then` has those of before." in ended.out
    assert "`dossier reference list agencies` shows all that are declared." in ended.out
    ended = dossier("report", "--level", "ministry", "--agency", "H26", "--tree-as", "then", **named(counted))
    assert "No agency of level ministry below H26 is in the tree of these days." in ended.out
    ended = dossier("report", "--level", "ministry", "--agency", "never", **named(counted))
    assert (ended.code, "agency 'never' is neither declared nor counted" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tree-as", "then"], "--tree-as is for --level, --agency and --tree"),
        (["--procedures", "--tree"], "--procedures is of all agencies"),
        (["--by", "field"], "--by is for --procedures"),
        (["--level", "village"], "'village' is not one of"),
        (["--from", "2025-07-02", "--to", "2025-07-01"], "--to 2025-07-01 is before --from 2025-07-02"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    dossier: Run, clickhouse: ClickHouseConnection, arguments: list[str], said: str
) -> None:
    ended = dossier("report", *arguments, **named(clickhouse))
    assert ended.code == 2
    assert said in ended.err


def test_procedures_have_days_and_the_table_of_online_services(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("report", "--procedures", **named(counted))
    assert (ended.code, ended.err) == (0, "")
    assert "\x1b" not in ended.out
    assert (
        "2 of 2 procedures offered online (100.0%): 1 in full, 1 in part. "
        "Of those offered online 1 used, 1 used online; of all 1 used, 1 used online." in ended.out
    )
    by_field = json.loads(dossier("report", "--procedures", "--by", "field", "--json", **named(counted)).out)
    (land,) = [row for row in by_field["rows"] if row["field"] == "Đất đai"]
    assert (land["received"], land["median_days"], land["services"]["full"]) == (1, 2.0, 1)
    out = dossier("report", "--procedures", "--csv", **named(counted)).out
    rows = {row["procedure"]: row for row in csv.DictReader(out.splitlines(keepends=True))}
    assert (rows["1.1"]["name_vi"], rows["1.1"]["received_online"]) == ("'" + HOSTILE, "1")
    assert rows["1.2"]["median_days"] == ""
