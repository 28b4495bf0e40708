import re

import pytest
from hypothesis import given, settings
from msgspec import structs

from streams.on_time.clock_stops import Stop
from streams.on_time.history import Appointment, History
from streams.on_time.rules import DATE, DATE_AS_SENT, DECISION_766, INSTANT, INSTANT_AS_SENT, RULES
from streams.on_time.timeline import Step, timeline
from streams.on_time.verdicts import judge
from tests.streams.on_time.lives import USUAL, moments
from tests.streams.on_time.test_verdicts import histories
from tests.streams.on_time.told import CASES, micros, told
from tests.thorough import sized


def test_a_dossier_with_a_supplement_has_a_step_for_each_change() -> None:
    history = told(
        "2026-03-02 09:00",
        "5 working days",
        "supplement requested 2026-03-03 10:00; supplement handed in 2026-03-05 15:00; resolved 2026-03-12 08:00",
    )
    assert timeline(INSTANT, history, USUAL) == (
        Step(micros("2026-03-02 09:00"), "in term", micros("2026-03-09 09:00")),
        Step(micros("2026-03-03 10:00"), "in term", None),
        Step(micros("2026-03-05 15:00"), "in term", micros("2026-03-11 14:00")),
        Step(micros("2026-03-12 08:00"), "late", None),
    )


def test_while_a_stop_lasts_there_is_no_other_step() -> None:
    history = told("2026-03-02 09:00", "5 working days", "supplement requested 2026-03-03 10:00")
    assert timeline(DATE, history, USUAL)[1:] == (Step(micros("2026-03-03 10:00"), "in term", None),)


def test_by_date_a_step_is_overdue_after_the_last_microsecond_of_a_day() -> None:
    (step,) = timeline(DATE, told("2026-03-02 09:00", "1 working day", ""), USUAL)
    assert step.overdue_after == micros("2026-03-03 24:00")
    assert step.standing_at(micros("2026-03-03 24:00")) == "in term"
    assert step.standing_at(micros("2026-03-04 00:00")) == "overdue"


def test_what_is_handed_over_after_a_refusal_is_a_step_of_decision_766() -> None:
    history = told("2026-03-02 09:00", "3 working days", "refused 2026-03-04 10:00; returned 2026-03-10 09:00")
    assert timeline(DECISION_766, history, USUAL) == (
        Step(micros("2026-03-02 09:00"), "in term", micros("2026-03-05 24:00")),
        Step(micros("2026-03-04 10:00"), "on time", None),
        Step(micros("2026-03-10 09:00"), "late", None),
    )
    assert len(timeline(DATE, history, USUAL)) == 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_steps_hold_the_verdicts_around_everything_that_happened(case: dict[str, str]) -> None:
    history = told(case["received"], case["procedure"], case["events"])
    local = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", " ".join(map(str, case.values())))
    assert_the_steps_hold(history, {micros(time) + beside for time in local for beside in (-1, 0, 1)})


@pytest.mark.slow
@given(history=histories(), at=moments())
@settings(max_examples=sized(60, 10_000))
def test_the_steps_hold_the_verdict_of_every_instant(history: History, at: int) -> None:
    assert_the_steps_hold(history, {at})


def assert_the_steps_hold(history: History, instants: set[int]) -> None:
    for rule in (*RULES, INSTANT_AS_SENT, DATE_AS_SENT, structs.replace(DECISION_766, late_from_supplement=0)):
        steps = timeline(rule, history, USUAL)
        for at in instants:
            found = [step.standing_at(at) for step in steps if step.since <= at][-1:]
            verdict = judge(rule, history, at, USUAL)
            assert found == ([verdict.standing] if verdict else []), (rule.name, at)


def test_from_the_repeated_request_on_decision_766_has_no_step_but_the_end() -> None:
    start, hour = micros("2026-03-02 09:00"), 3_600_000_000
    stops = tuple(Stop("supplement", start + n * hour) for n in range(1, 1001))
    history = History(start, appointment=Appointment(micros("2026-12-31 17:00"), start), stops=stops)
    assert [step.since for step in timeline(DECISION_766, history, USUAL)] == [start, start + hour, start + 2 * hour]


def test_a_thousand_stops_are_a_thousand_steps_and_no_more_work_than_that() -> None:
    start, hour = micros("2026-03-02 09:00"), 3_600_000_000
    stops = tuple(Stop("pause", start + 2 * n * hour, start + (2 * n + 1) * hour) for n in range(1, 501))
    history = History(start, appointment=Appointment(micros("2026-12-31 17:00"), start), stops=stops)
    steps = timeline(INSTANT, history, USUAL)
    assert [step.since for step in steps] == [start, *(at for stop in stops for at in (stop.start, stop.end))]
    assert {step.overdue_after is None for step in steps[1::2]} == {True}
