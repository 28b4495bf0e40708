"""`dossier calendar` for people and for programs."""

import json
from pathlib import Path

import pytest

from schemas.connection import ClickHouseConnection
from tests.cli.commands import AWAY, ROOT, Run, named

SAMPLES = ROOT / "samples"
OFFICIAL = SAMPLES / "days-off-2026.csv"
SITE = SAMPLES / "calendar.csv"


def test_a_month_to_be_checked_by_eye(dossier: Run) -> None:
    ended = dossier("calendar", "show", "2026-02", "--agency", "H26.17")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "2026-02 of H26.17: 15 working days, 120 working hours"
    assert "2026-02-13 Fri  worked  08:00-12:00 13:00-17:00  Giờ hành chính" in lines
    tet = "2026-02-17 Tue  off                              Tết Nguyên Đán (Labour Code, package holidays 0.109)"
    assert tet in lines
    at = lines.index("2026-02-14 Sat  off                              Nghỉ hằng tuần")
    assert lines[at + 1].startswith(
        "                receives  08:00-12:00 13:00-17:00  Trung tâm Phục vụ hành chính công"
    )
    assert lines[-1] == "Rules of their own: H26"
    assert len([line for line in lines if line.startswith("2026-02-")]) == 28
    assert "receives" not in dossier("calendar", "show", "2026-02").out


def test_the_rules_of_a_site_win(dossier: Run) -> None:
    def february(agency: str) -> str:
        return dossier("calendar", "show", "2026-02", "--calendar", SITE, "--agency", agency).out

    assert february("H21").startswith("2026-02 of H21: 15 working days, 120 working hours\n")
    assert "2026-02-12 Thu  worked  07:30-11:30 13:00-17:00  Giờ hành chính" in february("H21.5")
    assert february("H21.17").startswith("2026-02 of H21.17: 14.5 working days, 116 working hours\n")
    assert february("H21.901").startswith("2026-02 of H21.901: 17 working days, 136 working hours\n")
    assert february("H01").startswith("2026-02 of H01: 15 working days, 120 working hours\n")


def test_json_has_every_day(dossier: Run) -> None:
    days = json.loads(dossier("calendar", "show", "2026-01", "--json").out)
    assert len(days) == 31
    assert days[1] == {
        "day": "2026-01-02",
        "kind": "off",
        "hours": [],
        "minutes": 0,
        "same_day_until": "15:00",
        "name": "Nghỉ hoán đổi với thứ Bảy 10/01/2026",
        "source": "Government notice on New Year 2026, vietnamnews.vn/society/1732658",
        "agency": "",
        "reception": days[1]["reception"],
    }
    assert (days[9]["kind"], days[9]["hours"]) == ("worked", ["08:00-12:00", "13:00-17:00"])


def test_the_built_in_calendar_is_the_official_one(dossier: Run) -> None:
    ended = dossier("calendar", "check", OFFICIAL)
    assert (ended.code, ended.out) == (0, "2026-01-01 to 2026-12-31: all days are as in the list\n")


def test_check_names_each_difference(dossier: Run, tmp_path: Path) -> None:
    changed = tmp_path / "list.csv"
    lines = [line for line in OFFICIAL.read_text().splitlines() if "24/11" not in line]
    changed.write_text("\n".join([*lines, "25/11/2026,,nửa ngày,Sự kiện", ""]))
    ended = dossier("calendar", "check", changed)
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "2026-11-24 Tue: worked 08:00-12:00 13:00-17:00 in the list, off (Ngày Văn hóa Việt Nam) in the calendar",
        "2026-11-25 Wed: half a day 08:00-12:00 (Sự kiện) in the list, worked 08:00-12:00 13:00-17:00 in the calendar",
        "2026-01-01 to 2026-12-31: 2 differences",
    ]
    (first, _) = json.loads(dossier("calendar", "check", changed, "--json").out)
    assert (first["day"], first["list"], first["calendar"]) == ("2026-11-24", "worked", "off")
    assert dossier("calendar", "check", changed, "--to", "2026-11-23").code == 0


def test_check_of_an_agency_that_is_closed_besides(dossier: Run) -> None:
    ended = dossier("calendar", "check", OFFICIAL, "--calendar", SITE, "--agency", "H21")
    assert ended.code == 1
    assert ended.out.splitlines()[0].startswith("2026-06-08 Mon: worked 07:00-11:30 13:30-17:00 in the list, off (Bão)")
    assert len(ended.out.splitlines()) == 2


def test_findings_in_a_file_are_all_named(dossier: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("from,kind,hours\n2026-03-02,closed,\n2026-03-03,off,\x1b[31m08:00\n")
    for arguments in (
        ("show", "2026-03", "--calendar", wrong),
        ("check", wrong),
        ("check", OFFICIAL, "--calendar", wrong),
    ):
        ended = dossier("calendar", *arguments)
        assert (ended.code, ended.out) == (4, "")
        assert ended.err.splitlines()[0] == f"{wrong}:2: kind: 'closed': is no kind of day: off, worked, half"
        assert ended.err.splitlines()[-1] == "dossier: 2 findings, no calendar was made"
        assert "\x1b" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("show", "2026"), "'2026' does not match the format '%Y-%m'"),
        (("show", "1999-12"), "1999-12 is not between 2000-01 and 2099-12"),
        (("show", "2026-01", "--calendar", "none.csv"), "does not exist"),
        (
            ("check", OFFICIAL, "--from", "2027-01-01", "--to", "2026-01-01"),
            "from 2027-01-01 to 2026-01-01 are no days",
        ),
    ],
)
def test_wrong_usage_says_what_is_wrong(dossier: Run, arguments: tuple[str, ...], wrong: str) -> None:
    ended = dossier("calendar", *arguments)
    assert ended.code == 2
    assert wrong in ended.err


def test_a_list_that_names_no_days_needs_a_period(dossier: Run, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    path.write_text("from,weekdays,kind\n2026-01-01,sat,off\n")
    assert "the list names no days: give --from and --to" in dossier("calendar", "check", path).err
    assert dossier("calendar", "check", path, "--from", "2026-03-01", "--to", "2026-03-31").code == 0


@pytest.mark.clickhouse
def test_the_calendar_that_is_loaded_is_used_where_it_is_asked_for(
    dossier: Run, clickhouse: ClickHouseConnection, tmp_path: Path
) -> None:
    there = named(clickhouse)
    (tmp_path / "tree.csv").write_text("code,name_vi,parent,level,aliases\nH21,x,,province,000.H21\nW,x,H21,commune,\n")
    (tmp_path / "days.csv").write_text("from,kind,agency\n2026-03-03,off,000.H21\n")
    assert dossier("reference", "load", "agencies", tmp_path / "tree.csv", **there).code == 0
    assert dossier("reference", "load", "calendar", tmp_path / "days.csv", **there).code == 0
    for agency, options, days in (("W", ["--loaded"], 21), ("W", [], 22), ("H22", ["--loaded"], 22)):
        shown = dossier("calendar", "show", "2026-03", "--agency", agency, *options, **there).out
        assert shown.startswith(f"2026-03 of {agency}: {days} working days")
    ended = dossier("terms", "add", "2026-03-02T09:00", "1", "working-days", "--agency", "W", "--loaded", **there)
    assert (ended.code, ended.out, ended.err) == (0, "2026-03-04T09:00:00+07:00\n", "")


@pytest.mark.loopback
def test_without_clickhouse_there_is_no_loaded_calendar(dossier: Run) -> None:
    ended = dossier("calendar", "show", "2026-03", "--loaded", clickhouse=AWAY)
    assert ended.code == 3
    assert "does not answer" in ended.reason
