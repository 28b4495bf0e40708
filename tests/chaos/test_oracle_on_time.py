"""The oracle's stopwatch and the rules of being on time are two ways to one verdict."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.oracle.on_time import Promise, RuleName, standing
from chaos.oracle.replay import replayed
from chaos.oracle.working_days import WorkingDays
from schemas.events import Event
from schemas.working_time.arithmetic import add, between
from schemas.working_time.duration import Duration
from streams.counting.case_history import history_of
from streams.counting.registers import merged
from streams.on_time.moving import Jurisdiction
from streams.on_time.rules import RULES, Rule
from streams.on_time.verdicts import judge
from tests.streams.on_time.lives import UNUSUAL, VIETNAMESE, ZONE, lives, moments, promises
from tests.thorough import sized

PLACES = (VIETNAMESE, UNUSUAL)
COUNTED = {id(place): WorkingDays(place.calendar, ZONE) for place in PLACES}


@given(life=lives(), at=moments(), promise=promises(), order=st.randoms(use_true_random=False))
@settings(max_examples=sized(120, 20_000))
def test_verdicts_are_those_of_the_oracle_whatever_the_order_of_events(
    life: list[Event], at: int, promise: tuple[Duration | None, bool], order: Random
) -> None:
    mixed = list(life)
    order.shuffle(mixed)
    for place in PLACES:
        for rule in RULES:
            expected = by_oracle(rule.name, place, life, at, promise)
            assert judged(rule, place, mixed, at, promise) == expected, rule.name


def judged(
    rule: Rule, place: Jurisdiction, life: list[Event], at: int, promise: tuple[Duration | None, bool]
) -> str | None:
    history = history_of(merged(life), lambda *_: promise)
    assert history is not None
    verdict = judge(rule, history, at, place)
    return verdict.standing if verdict else None


def by_oracle(
    rule: RuleName, place: Jurisdiction, life: list[Event], at: int, promise: tuple[Duration | None, bool]
) -> str | None:
    state = replayed(life)
    assert state is not None
    duration, same_day = promise
    promised = Promise(int(duration.amount), duration.unit, same_day) if duration else None
    return standing(rule, state, at, promised, COUNTED[id(place)])


@pytest.mark.parametrize("place", PLACES, ids=["usual hours", "unusual hours"])
@given(start=moments(), end=moments(), promise=promises())
@settings(max_examples=sized(100, 20_000))
def test_terms_are_those_counted_day_by_day(
    place: Jurisdiction, start: int, end: int, promise: tuple[Duration | None, bool]
) -> None:
    counted = COUNTED[id(place)]
    duration, same_day = promise
    if duration:
        due = counted.due(start, int(duration.amount), duration.unit, same_day)
        assert add(start, duration, place.calendar, same_day=same_day) == due
    first, last = sorted((start, end))
    assert between(first, last, "working days", place.calendar) == counted.amount(first, last, "working days")
    assert between(first, last, "working hours", place.calendar) * 3_600_000_000 == counted.amount(
        first, last, "working hours"
    )
