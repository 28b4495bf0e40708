"""The oracle's stopwatch and the rules of being on time are two ways to one verdict."""

from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.oracle.on_time import Promised, RuleName, standing
from chaos.oracle.replay import replayed
from chaos.oracle.working_days import WorkingDays
from schemas.events import Event
from schemas.working_time.arithmetic import between
from schemas.working_time.calendar import Calendar
from streams.counting.case_history import history_of
from streams.counting.registers import merged
from streams.on_time.promise import Promise
from streams.on_time.rules import DATE, INSTANT, RULES, Rule
from streams.on_time.verdicts import judge
from tests.streams.on_time.lives import UNUSUAL, USUAL, lives, moments, promises
from tests.streams.on_time.told import CASES, LONG_AFTER, events_in, micros, promise_in
from tests.thorough import sized

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
PLACES = (USUAL, UNUSUAL)
COUNTED = {id(place): WorkingDays(place, ZONE) for place in PLACES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_oracle_comes_to_what_was_worked_out_by_hand(case: dict[str, str]) -> None:
    life, promise = events_in(case["received"], case["events"]), promise_in(case["procedure"])
    at = micros(case["as of"] or LONG_AFTER)
    for rule in RULES:
        column = f"by {rule.name}" if rule in (INSTANT, DATE) else rule.name
        assert (by_oracle(rule.name, USUAL, life, at, promise) or "not received") == case[column], column


@pytest.mark.slow
@given(life=lives(), at=moments(), promise=promises(), order=st.randoms(use_true_random=False))
@settings(max_examples=sized(80, 20_000))
def test_verdicts_are_those_of_the_oracle_whatever_the_order_of_events(
    life: list[Event], at: int, promise: Promise | None, order: Random
) -> None:
    mixed = list(life)
    order.shuffle(mixed)
    for place in PLACES:
        for rule in RULES:
            expected = by_oracle(rule.name, place, life, at, promise)
            assert judged(rule, place, mixed, at, promise) == expected, rule.name


def judged(rule: Rule, place: Calendar, life: list[Event], at: int, promise: Promise | None) -> str | None:
    history = history_of(merged(life), place, lambda *_: promise)
    assert history is not None
    verdict = judge(rule, history, at, place)
    return verdict.standing if verdict else None


def by_oracle(rule: RuleName, place: Calendar, life: list[Event], at: int, promise: Promise | None) -> str | None:
    state = replayed(life)
    assert state is not None
    promised = Promised(int(promise.duration.amount), promise.duration.unit, promise.same_day) if promise else None
    return standing(rule, state, at, promised, COUNTED[id(place)])


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=["usual hours", "unusual hours"])
@given(start=moments(), end=moments(), promise=promises())
@settings(max_examples=sized(60, 20_000))
def test_terms_are_those_counted_day_by_day(place: Calendar, start: int, end: int, promise: Promise | None) -> None:
    counted = COUNTED[id(place)]
    if promise:
        duration, same_day = promise.duration, promise.same_day
        assert promise.due(start, place) == counted.due(start, int(duration.amount), duration.unit, same_day)
    first, last = sorted((start, end))
    assert between(first, last, "working days", place) == counted.amount(first, last, "working days")
    assert between(first, last, "working hours", place) * 3_600_000_000 == counted.amount(first, last, "working hours")
