"""`dossier report` for people and for programs."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from cli.report_output import csv_cell
from schemas.connection import ClickHouseConnection
from schemas.events import Received, Resolved, TermSet
from streams.reports.report import FIGURES, LED, RATES
from tests.cli.commands import Run, named
from tests.streams.cases import at, said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    """Of one agency a dossier in time, of another one that is overdue, received in the last minute of a local day."""
    count(
        clickhouse,
        said(Received, "2026-03-02 08:00", agency="Sở Xây dựng", channel="online"),
        said(Resolved, "2026-03-05 10:00"),
        said(Received, "2026-03-03 23:59", dossier="D2", agency="H01"),
        said(TermSet, "2026-03-03 23:59", dossier="D2", term=at("2026-03-10 16:00")),
    )
    return clickhouse


def received(found: dict[str, Any]) -> int:
    return int(found["total"]["received"])


def test_a_person_sees_a_table_with_no_data_where_there_is_none(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("report", **named(counted))
    assert (ended.code, ended.err) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ended.out.splitlines() if "│" in line]
    assert rows == [
        ["H01", "1", "0.0%", "0", "no data", "1", "1"],
        ["Sở Xây dựng", "1", "100.0%", "1", "100.0%", "0", "0"],
        ["Total", "2", "50.0%", "1", "100.0%", "1", "1"],
    ]
    assert all(heading in ended.out for heading in ("Agency", "Received", "Online", "Resolved", "On time", "Overdue"))
    last = ended.out.splitlines()[-1]
    assert last.startswith("Newest event of 2026-03-05 10:00 (Asia/Ho_Chi_Minh), published ")
    assert last.endswith("Terms are compared by instant.")


def test_json_has_every_figure_and_rate_of_each_agency_and_in_total(
    dossier: Run, counted: ClickHouseConnection
) -> None:
    found = json.loads(dossier("report", "--json", **named(counted)).out)
    assert found.keys() == {"as_of", "rules", "leading_rule", "agencies", "total", "freshness"}
    assert [agency.keys() for agency in found["agencies"]] == [{"agency", *FIGURES, *LED, *RATES}] * 2
    assert found["total"].keys() == {*FIGURES, *LED, *RATES}
    first, second = found["agencies"]
    assert (first["agency"], first["on_time_rate"], first["online_rate"]) == ("H01", None, 0.0)
    assert (second["agency"], second["on_time_rate"]) == ("Sở Xây dựng", 1.0)
    assert found["freshness"]["occurred_at"] == "2026-03-05T03:00:00Z"


def test_csv_has_an_agency_a_line_the_total_last_and_nothing_where_there_is_no_rate(
    dossier: Run, counted: ClickHouseConnection
) -> None:
    rows = list(csv.DictReader(dossier("report", "--csv", **named(counted)).out.splitlines()))
    assert [*rows[0]] == ["agency", *FIGURES, *LED, *RATES]
    assert [(row["agency"], row["received"], row["on_time_rate"], row["overdue"]) for row in rows] == [
        ("H01", "1", "", "1"),
        ("Sở Xây dựng", "1", "1.0", "0"),
        ("", "2", "1.0", "1"),
    ]


def test_csv_is_as_it_is_in_a_file_and_obeyed_by_no_terminal() -> None:
    assert csv_cell("\x1b[31mUBND", exact=False, terminal=False) == "\x1b[31mUBND"
    assert csv_cell("\x1b[31mUBND", exact=False, terminal=True) == r"\x1b[31mUBND"
    assert csv_cell("=1+1", exact=False, terminal=True) == "'=1+1"
    assert csv_cell("=1+1\u202e", exact=True, terminal=True) == r"=1+1\u202e"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (["--from", "2026-03-03"], 1),
        (["--to", "2026-03-03"], 2),
        (["--to", "2026-03-02"], 1),
        (["--from", "2026-03-03", "--to", "2026-03-03"], 1),
        (["--from", "2026-03-04"], 0),
    ],
)
def test_days_are_local_and_the_last_one_is_counted(
    dossier: Run, counted: ClickHouseConnection, span: list[str], expected: int
) -> None:
    assert received(json.loads(dossier("report", "--json", *span, **named(counted)).out)) == expected


def test_a_day_is_that_of_the_profiles_time_zone(dossier: Run, counted: ClickHouseConnection, tmp_path: Path) -> None:
    (tmp_path / "west.toml").write_text('time_zone = "Pacific/Honolulu"')
    arguments = ["report", "--json", "--from", "2026-03-02", "--to", "2026-03-02"]
    assert received(json.loads(dossier(*arguments, **named(counted)).out)) == 1
    # Eight in the morning in Việt Nam is the afternoon of the day before.
    west = dossier(*arguments, **named(counted), profile=tmp_path / "west.toml")
    assert received(json.loads(west.out)) == 0


def test_before_anything_was_counted_it_says_so(dossier: Run, clickhouse: ClickHouseConnection) -> None:
    ended = dossier("report", **named(clickhouse))
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "No events have been counted yet.")
    assert "no data" in ended.out


def test_what_is_no_day_is_wrong_usage(dossier: Run, clickhouse: ClickHouseConnection) -> None:
    ended = dossier("report", "--from", "yesterday", **named(clickhouse))
    assert ended.code == 2
    assert "'yesterday' does not match the format '%Y-%m-%d'" in ended.err
