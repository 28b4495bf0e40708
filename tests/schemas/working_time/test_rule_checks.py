"""What is wrong with rules, in themselves and beside each other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.working_time.built_in import built_in_rules
from schemas.working_time.day_rule import DayRule
from schemas.working_time.rule_checks import rule_flaws
from tests.schemas.working_time.calendars import on, schedule


@pytest.mark.parametrize(
    ("rule", "column", "wrong"),
    [
        (on("2026-03-02", "off", until="2026-03-01"), "to", "is before 2026-03-02"),
        (on("1999-12-31", "off"), "from", "is not between 2000-01-01 and 2099-12-31"),
        (on("2026-01-01", "off", until="2027-01-02"), "to", "makes 367 days, at most 366 are read: name the weekdays"),
        (on("2026-03-02", "worked", until="2026-03-08"), "to", "covers Saturday 2026-03-07: name the weekdays"),
        (on("2026-03-02", "off", "08:00-12:00"), "hours", "is given for a day off"),
        (schedule("1-5", kind="worked"), "hours", "is empty: a schedule needs hours"),
        (schedule("6-6", kind="half"), "hours", "is empty: a schedule needs hours"),
        (schedule("1-5", "08:00-12:00", kind="off"), "hours", "is given for a day off"),
    ],
)
def test_rules_that_cannot_be_meant(rule: DayRule, column: str, wrong: str) -> None:
    (flaw,) = rule_flaws([rule])
    assert (flaw.column, flaw.wrong[: len(wrong)]) == (column, wrong)


def test_two_rules_must_not_give_a_day_two_meanings() -> None:
    tet = on("2026-02-16", "off", until="2026-02-20")
    flaws = rule_flaws([tet, on("2026-02-20", "worked"), on("2026-02-19", "off", name="the same again")])
    assert [(flaw.row, flaw.value, flaw.other) for flaw in flaws] == [(1, "2026-02-20", 0)]
    weekdays = [schedule("1-5", "08:00-12:00"), schedule("5-6", "08:00-11:00", kind="half")]
    assert [(flaw.row, flaw.other) for flaw in rule_flaws(weekdays)] == [(1, 0)]


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 8), st.sampled_from(["off", "worked"])), max_size=6))
def test_days_of_two_meanings_are_found_however_rules_overlap(given_rules: list[tuple[int, int, Any]]) -> None:
    hours = {"off": (), "worked": ("08:00-12:00",)}
    rules = [
        on(f"2026-01-{first:02}", kind, *hours[kind], until=f"2026-01-{first + days:02}")
        for first, days, kind in given_rules
    ]
    meanings = [{rule.kind for rule in rules if rule.first.day <= day <= rule.last.day} for day in range(1, 32)]
    found = [flaw for flaw in rule_flaws(rules) if flaw.other is not None]
    assert bool(found) == any(len(each) > 1 for each in meanings)
    for flaw in found:
        one, other = rules[flaw.row], rules[flaw.other or 0]
        assert one.kind != other.kind
        assert other.first <= one.first <= other.last


@pytest.mark.slow
def test_a_long_file_is_checked_at_once() -> None:
    year = on("2026-01-01", "off", until="2026-12-31")
    assert not rule_flaws([year] * 20_000)


def test_rules_that_go_together() -> None:
    assert not rule_flaws(
        [
            schedule("1-5", "08:00-12:00", "13:00-17:00"),
            schedule("1-5", "07:00-11:00", "13:00-17:00", since="2026-04-16"),
            schedule("1-5", "07:00-17:30", applies_to="reception"),
            schedule("1-5", "07:00-11:00", agency="H26"),
            on("2026-02-14", "off"),
            on("2026-02-14", "worked", applies_to="reception"),
            on("2026-02-14", "half", agency="H26"),
            on("2026-03-07", "worked"),
            on("2026-03-02", "half", until="2026-03-06"),
        ]
    )
    assert not rule_flaws(built_in_rules())
