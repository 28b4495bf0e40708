"""All rules at once come to the steps that each rule has by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.events import AnyEvent
from schemas.working_time.calendar import Calendar
from streams.counting.case_history import ruled_history
from streams.counting.registers import merged
from streams.on_time.history import History
from streams.on_time.rules import DATE_AS_SENT, DECISION_766, INSTANT_AS_SENT, RULES, Rule
from streams.on_time.ruling import Ruling, built_in_ruling
from streams.on_time.timeline import timeline
from streams.on_time.timelines import timelines
from tests.strategies import events_of
from tests.streams.on_time.lives import UNUSUAL, USUAL
from tests.streams.on_time.test_verdicts import histories
from tests.streams.on_time.told import CASES, told
from tests.streams.rulings import VARIED
from tests.thorough import sized

ALL: tuple[Rule, ...] = (
    *RULES,
    INSTANT_AS_SENT,
    DATE_AS_SENT,
    *(structs.replace(DECISION_766, late_from_supplement=number) for number in (0, 1, 3)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_cases_worked_out_by_hand_have_the_steps_of_each_rule(case: dict[str, str]) -> None:
    history = told(case["received"], case["procedure"], case["events"])
    for rule, steps in zip(ALL, timelines(ALL, history, USUAL), strict=True):
        assert tuple(steps) == timeline(rule, history, USUAL), rule


@given(history=histories(), calendar=st.sampled_from((USUAL, UNUSUAL)))
@settings(max_examples=sized(200, 3_000))
def test_all_rules_at_once_have_the_steps_of_each_rule(history: History, calendar: Calendar) -> None:
    for rule, steps in zip(ALL, timelines(ALL, history, calendar), strict=True):
        assert tuple(steps) == timeline(rule, history, calendar), rule


@given(events=st.lists(events_of("D"), max_size=12), ruling=st.sampled_from((VARIED, built_in_ruling())))
@settings(max_examples=sized(60, 2_000))
def test_at_the_edges_of_calendars_too(events: list[AnyEvent], ruling: Ruling) -> None:
    if (found := ruled_history(merged(events), ruling)) is not None:
        history, calendar = found
        for rule, steps in zip(ALL, timelines(ALL, history, calendar), strict=True):
            assert tuple(steps) == timeline(rule, history, calendar), rule
