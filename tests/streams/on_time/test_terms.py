"""The table of cases that were worked out by hand: terms.csv, which needs no knowledge of this program to be read.

terms.md explains its columns.
"""

import time
from collections.abc import Iterator

import pytest

from schemas.instant import from_micros
from schemas.working_time.built_in import built_in_calendar
from streams.on_time.notable import notable_at
from streams.on_time.rules import DATE, DECISION_766, INSTANT, REPORT_FORM
from streams.on_time.term import term_at
from streams.on_time.verdicts import judge
from tests.streams.on_time.told import CASES, LONG_AFTER, VIETNAM, micros, told

CALENDAR = built_in_calendar()
RULES = {"by instant": INSTANT, "by date": DATE, "decision 766": DECISION_766, "report form": REPORT_FORM}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_case_comes_out_as_worked_out_by_hand(case: dict[str, str]) -> None:
    assert outcome_of(case) == expected_of(case)


def outcome_of(case: dict[str, str]) -> dict[str, str]:
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
    return found


def expected_of(case: dict[str, str]) -> dict[str, str]:
    return {column: case[column] for column in ("original term", "current term", "notable", *RULES)}


def shown(at: int | None) -> str:
    return "" if at is None else f"{from_micros(at).astimezone(VIETNAM):%Y-%m-%d %H:%M}"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is set to the time of another continent."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_the_zone_of_the_machine_means_nothing() -> None:
    assert [outcome_of(case) for case in CASES] == [expected_of(case) for case in CASES]


def test_the_cases_are_named_and_explained() -> None:
    assert len({case["case"] for case in CASES}) == len(CASES) >= 60
    assert all(case["why"] for case in CASES)
