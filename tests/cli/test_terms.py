"""`dossier terms` for people and for programs; no test needs a service."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import ROOT, Run, environment

SITE = ROOT / "samples" / "calendar.csv"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        (("2026-02-11T15:30", "3", "working-days"), "2026-02-23T15:30:00+07:00"),
        (("2026-02-11T15:30", "3", "working-days", "--same-day"), "2026-02-23T17:00:00+07:00"),
        (("2026-02-11 15:30", "1", "working-day"), "2026-02-12T15:30:00+07:00"),
        (("2026-02-11T08:30:00Z", "8", "working-hours"), "2026-02-12T15:30:00+07:00"),
        (("2026-02-11T15:30:00.000001", "0.5", "working-days"), "2026-02-12T10:30:00.000001+07:00"),
        (("2026-03-02T10:12", "15", "days"), "2026-03-17T17:00:00+07:00"),
        (("2025-12-31T09:00", "2", "months"), "2026-03-02T17:00:00+07:00"),
        (
            ("2026-03-06T17:30", "1", "working-days", "--calendar", SITE, "--agency", "H21.901"),
            "2026-03-09T11:30:00+07:00",
        ),
        (("2026-03-02T15:30", "1", "working-days", "--calendar", SITE, "--agency", "H21"), "2026-03-03T15:30:00+07:00"),
    ],
)
def test_when_a_term_ends(dossier: Run, arguments: tuple[str, ...], end: str) -> None:
    assert dossier("terms", "add", *arguments) == (0, f"{end}\n", "")


@pytest.mark.slow
def test_a_term_explains_itself_day_by_day(dossier: Run) -> None:
    ended = dossier("terms", "add", "2026-01-01T10:00", "2", "working-days", "--explain")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "2026-01-06T17:00:00+07:00",
        "counted from 2026-01-05T08:00:00+07:00",
        "2026-01-01 Thu  -                           off: Tết Dương lịch (Labour Code, package holidays 0.109)",
        "2026-01-02 Fri  -                           off: Nghỉ hoán đổi với thứ Bảy 10/01/2026 "
        "(Government notice on New Year 2026, vietnamnews.vn/society/1732658)",
        "2026-01-03 Sat  -                           off: Nghỉ hằng tuần (Decision 188/1999/QĐ-TTg: 40 hours a week)",
        "2026-01-04 Sun  -                           off: Nghỉ hằng tuần (Decision 188/1999/QĐ-TTg: 40 hours a week)",
        "2026-01-05 Mon  1  08:00-12:00 13:00-17:00",
        "2026-01-06 Tue  1  08:00-12:00 13:00-17:00",
        "2 working days",
    ]


@pytest.mark.slow
def test_the_example_of_the_page_is_what_the_command_prints(dossier: Run) -> None:
    page = (ROOT / "docs" / "terms.md").read_text()
    command, *shown = page.partition("\n$ dossier ")[2].partition("```")[0].splitlines()
    printed = dossier(*command.split()).out.splitlines()
    assert len(printed) == len(shown) == 6
    for line, example in zip(printed, shown, strict=True):
        begin, _, end = example.partition("…")
        assert line.startswith(begin)
        assert line.endswith(end)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "amount"),
    [
        (("2026-02-11T15:30", "2026-02-23T15:30", "working-days"), "3"),
        (("2026-02-11T15:30", "2026-02-23T17:00", "working-days"), "3.1875"),
        (("2026-02-23T17:00", "2026-02-11T15:30", "working-hours"), "-25.5"),
        (("2026-02-11T15:30", "2026-02-23T00:00", "days"), "12"),
        (("2023-01-31T10:00", "2023-03-10T09:00", "months"), "41/31"),
    ],
)
def test_how_much_lies_between(dossier: Run, arguments: tuple[str, ...], amount: str) -> None:
    assert dossier("terms", "between", *arguments) == (0, f"{amount}\n", "")


@pytest.mark.slow
def test_between_explains_itself(dossier: Run) -> None:
    ended = dossier("terms", "between", "2026-03-06T15:00", "2026-03-09T10:00", "working-hours", "--explain")
    lines = ended.out.splitlines()
    assert (lines[0], lines[-1]) == ("4", "4 working hours")
    assert lines[1] == "2026-03-06 Fri  2  08:00-12:00 13:00-17:00  from 15:00"
    assert lines[4] == "2026-03-09 Mon  2  08:00-12:00 13:00-17:00  until 10:00"


@pytest.mark.slow
def test_json(dossier: Run) -> None:
    added = json.loads(dossier("terms", "add", "2026-03-07T10:00", "1", "days", "--json", "--explain").out)
    assert added == {
        "start": "2026-03-07T10:00:00+07:00",
        "begin": "2026-03-09T08:00:00+07:00",
        "end": "2026-03-10T17:00:00+07:00",
        "amount": "1",
        "unit": "days",
        "same_day": False,
        "agency": "",
        "days": added["days"],
    }
    assert [day["counted"] for day in added["days"]] == ["0", "0", "0", "1"]
    assert added["days"][2]["note"] == "the day of the start does not count"
    between = json.loads(dossier("terms", "between", "2023-01-31T10:00", "2023-03-10T09:00", "months", "--json").out)
    assert (between["amount"], round(between["decimal"], 6), "days" in between) == ("41/31", 1.322581, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("add", "2026-02-11", "3", "days"), "'2026-02-11' has no time of day: write it as 2026-02-11T08:00"),
        (("add", "soon", "3", "days"), "'soon' is not a time such as 2026-02-11T15:30"),
        (("add", "2026-02-11T15:30", "three", "days"), "'three' is not an amount such as 3, 2.5 or 1/2"),
        (("add", "2026-02-11T15:30", "1/0", "days"), "'1/0' is not an amount"),
        (("add", "2026-02-11T15:30", "1e999999999", "days"), "'1e999999999' is not an amount"),
        (("add", "2026-02-11T15:30", "3", "weeks"), "'weeks' is not one of"),
        (("add", "2026-02-11T15:30", "1", "month", "--same-day"), "--same-day is for hours and days"),
        (("add", "2026-02-11T15:30", "9999", "months"), "the term ends after 2099-12-31"),
        (("add", "1999-02-11T15:30", "1", "day"), "is not within the working days from 2000-01-01 to 2099-12-31"),
        (("between", "2026-02-12T15:30", "2026-02-11T15:30", "days", "--explain"), "needs a B that is not before A"),
    ],
)
def test_wrong_usage_says_what_is_wrong(dossier: Run, arguments: tuple[str, ...], wrong: str) -> None:
    ended = dossier("terms", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert wrong in ended.err


@pytest.mark.slow
def test_a_term_that_ends_in_a_year_that_is_not_announced_says_so(dossier: Run) -> None:
    ended = dossier("terms", "add", "2026-12-31T10:00", "1", "working-day")
    assert (ended.code, ended.out) == (0, "2027-01-04T10:00:00+07:00\n")
    assert ended.err.startswith("days off after 2026 are those of the law; swaps")
    assert dossier("calendar", "show", "2027-02").err == ended.err


@pytest.mark.process
def test_it_starts_without_what_takes_long_to_import(tmp_path: Path) -> None:
    asked = "import sys, cli.terms; print({'openpyxl', 'kafka', 'holidays', 'msgspec'} & sys.modules.keys())"
    ended = subprocess.run(
        [sys.executable, "-c", asked], env=environment(data=tmp_path), capture_output=True, text=True, check=True
    )
    assert ended.stdout == "{'msgspec'}\n"
