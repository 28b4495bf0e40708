"""The table of cases that were worked out by hand: terms.csv, which needs no knowledge of this program to be read."""

import csv
from pathlib import Path

import pytest

from schemas.instant import from_micros
from schemas.working_time.built_in import built_in_calendar
from streams.on_time.notable import notable_at
from streams.on_time.rules import DATE, DECISION_766, INSTANT, REPORT_FORM
from streams.on_time.term import term_at
from streams.on_time.verdicts import judge
from tests.streams.on_time.told import VIETNAM, micros, told

CALENDAR = built_in_calendar()
RULES = {"by instant": INSTANT, "by date": DATE, "decision 766": DECISION_766, "report form": REPORT_FORM}
LONG_AFTER = "2030-01-01 00:00"

with Path(__file__).with_name("terms.csv").open(encoding="utf-8", newline="") as _lines:
    CASES = list(csv.DictReader(_lines))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_case_comes_out_as_worked_out_by_hand(case: dict[str, str]) -> None:
    history = told(case["received"], case["procedure"], case["events"])
    at = micros(case["as of"] or LONG_AFTER)
    found = {"original term": "", "current term": "", "notable": ""}
    for column, rule in RULES.items():
        verdict = judge(rule, history, at, CALENDAR)
        found[column] = verdict.standing if verdict else "not received"
        if verdict and rule is INSTANT:
            term = term_at(history, at, rule, CALENDAR)
            found |= {"original term": shown(term.original), "current term": shown(term.current)}
            found["notable"] = "; ".join(notable_at(history, at, rule, CALENDAR))
    assert found == {column: case[column] for column in found}


def shown(at: int | None) -> str:
    return "" if at is None else f"{from_micros(at).astimezone(VIETNAM):%Y-%m-%d %H:%M}"


def test_the_cases_are_named_and_explained() -> None:
    assert len({case["case"] for case in CASES}) == len(CASES) >= 60
    assert all(case["why"] for case in CASES)
