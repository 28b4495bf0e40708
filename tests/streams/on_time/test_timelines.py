"""All rules at once come to the steps that each rule has by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.events import AnyEvent
from schemas.working_time.calendar import Calendar
from streams.counting.case_history import ruled_history
from streams.counting.registers import merged
from streams.on_time.clock_stops import Stop
from streams.on_time.history import Appointment, Extension, History
from streams.on_time.rules import DATE_AS_SENT, DECISION_766, INSTANT_AS_SENT, RULES, Rule
from streams.on_time.ruling import Ruling, built_in_ruling
from streams.on_time.timeline import timeline
from streams.on_time.timelines import timelines
from tests.strategies import events_of
from tests.streams.on_time.lives import UNUSUAL, USUAL, moments
from tests.streams.on_time.test_verdicts import histories
from tests.streams.on_time.told import CASES, micros, told
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
    found = [*timelines(RULES, history, calendar), *timelines(ALL[len(RULES) :], history, calendar)]
    for rule, steps in zip(ALL, found, strict=True):
        assert tuple(steps) == timeline(rule, history, calendar), rule


@st.composite
def usual_lives(draw: st.DrawFn) -> History:
    """One extension or one supplement, as most cases that are not plain have it."""
    received, at, later, ended = sorted(draw(st.lists(moments(), min_size=4, max_size=4)))
    outcome = draw(st.sampled_from(("", "resolved", "resolved", "withdrawn")))
    extended = draw(st.booleans())
    stop = Stop("supplement", at, draw(st.sampled_from((None, later, later, later, ended))))
    return History(
        received,
        unit=draw(st.sampled_from(("working days", "working hours", "days", "months"))),
        appointment=Appointment(draw(moments()), received),
        extensions=(Extension(Appointment(draw(moments()), at), True),) if extended else (),
        stops=() if extended else (stop,),
        outcome=outcome,  # type: ignore[arg-type]
        outcome_at=ended if outcome else None,
    )


@given(history=usual_lives(), calendar=st.sampled_from((USUAL, UNUSUAL)), supplement=st.sampled_from((0, 1, 2)))
@settings(max_examples=sized(300, 5_000))
def test_what_is_usual_has_the_steps_of_each_rule(history: History, calendar: Calendar, supplement: int) -> None:
    rules = (*RULES[:2], structs.replace(DECISION_766, late_from_supplement=supplement), RULES[3])
    for rule, steps in zip(rules, timelines(rules, history, calendar), strict=True):
        assert tuple(steps) == timeline(rule, history, calendar), rule


@given(events=st.lists(events_of("D"), max_size=12), ruling=st.sampled_from((VARIED, built_in_ruling())))
@settings(max_examples=sized(60, 2_000))
def test_at_the_edges_of_calendars_too(events: list[AnyEvent], ruling: Ruling) -> None:
    if (found := ruled_history(merged(events), ruling)) is not None:
        history, calendar = found
        for rule, steps in zip(ALL, timelines(ALL, history, calendar), strict=True):
            assert tuple(steps) == timeline(rule, history, calendar), rule


def test_a_term_that_was_sent_at_the_very_end_is_what_the_end_is_held_against() -> None:
    received, day = micros("2026-03-02 08:00"), 86_400_000_000
    ended = received + day
    sent = Extension(Appointment(received + 1, ended), apology=False)
    stop = Stop("supplement", ended + day)
    appointed = Appointment(received + 9 * day, received)
    history = History(
        received, appointment=appointed, extensions=(sent,), stops=(stop,), outcome="resolved", outcome_at=ended
    )
    assert [of_rule[-1].standing for of_rule in timelines(RULES, history, USUAL)][:1] == ["late"]
    assert [list(each) for each in timelines(RULES, history, USUAL)] == [
        list(timeline(rule, history, USUAL)) for rule in RULES
    ]
