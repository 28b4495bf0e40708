"""Whatever is wrong in the columns of verdicts is found by the oracle's stopwatch."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chaos.oracle.case import Case
from chaos.oracle.expected_rows import Expected, expected
from chaos.simulation.ruling import LAW, RULING, TIME_ZONE
from chaos.verdict import Stored, judge
from schemas.deployment_profile import Profile
from schemas.events import Event, Voided
from streams.audit.verdict_stretches import Columns, by_columns
from streams.counting.facts import facts_of
from streams.counting.registers import merged
from streams.counting.rows import facts_row
from streams.counting.store_interface import Stored as At
from streams.on_time.ruling import Ruling
from tests.chaos.test_oracle import case_in
from tests.streams.on_time.lives import lives
from tests.streams.on_time.told import CASES, events_in
from tests.thorough import sized


def expected_of(life: list[Event]) -> Expected:
    return expected(life, partitions=1, terms="instant", time_zone=TIME_ZONE, law=LAW)


def stored(life: list[Event], ruling: Ruling = RULING) -> Case:
    return case_in(facts_row("D", 0, At(0, b""), facts_of(merged(life), ruling), Profile()))


def means(case: Case) -> object:
    """What the columns say of the case over time: not every change of a step is one of that."""
    return by_columns(Columns(*(getattr(case, name) for name in Columns._fields)), ZoneInfo(TIME_ZONE))


def wrong(life: list[Event], case: Case) -> tuple[str, ...]:
    found = expected_of(life)
    return judge(found, Stored([(life[0].dossier, case)], found.windows.items(), found.events)).examples


@given(life=lives())
@settings(max_examples=sized(60, 10_000))
def test_counting_and_the_stopwatch_agree_by_calendars_promises_and_rules_that_vary(life: list[Event]) -> None:
    assert wrong(life, stored(life)) == ()


@given(life=lives(), data=st.data())
@settings(max_examples=sized(40, 5_000))
def test_a_step_that_is_changed_is_found(life: list[Event], data: st.DataObject) -> None:
    case = stored(life)
    if not case.verdict_rule:
        return
    place = data.draw(st.sampled_from(range(len(case.verdict_rule))))
    standings = list(case.verdict_standing)
    standings[place] = standings[place] % 5 + 1
    changed = structs.replace(case, verdict_standing=tuple(standings))
    assert bool(wrong(life, changed)) is (means(changed) != means(case))


LIVES = {case["case"]: events_in(case["received"], case["events"]) for case in CASES}
NO_STEPS: dict[str, Any] = dict.fromkeys(("verdict_rule", "verdict_since", "verdict_standing", "verdict_until"), ())


@pytest.mark.parametrize("hours", [1, 24])
def test_a_deadline_that_is_moved_is_found(hours: int) -> None:
    by = hours * 3_600_000_000
    found = 0
    for life in LIVES.values():
        case = stored(life)
        later = tuple([until + by if until < 10**16 else until for until in case.verdict_until])
        changed = structs.replace(case, verdict_until=later)
        found += means(changed) != means(case)
        assert bool(wrong(life, changed)) is (means(changed) != means(case))
    assert found > 10


def test_a_case_that_is_taken_for_plain_is_found_wherever_that_makes_a_difference() -> None:
    moved = [life for life in LIVES.values() if stored(life).verdict_rule]
    assert sum(bool(wrong(life, structs.replace(stored(life), **NO_STEPS))) for life in moved) > len(moved) / 2


def test_verdicts_of_a_void_case_are_found() -> None:
    life = next(life for life in LIVES.values() if stored(life).verdict_rule)
    received = life[0]
    void = [*life, Voided(id="void", dossier=received.dossier, source="s", occurred_at=received.occurred_at)]
    steps = {name: getattr(stored(life), name) for name in NO_STEPS}
    assert wrong(void, stored(void)) == ()
    assert wrong(void, structs.replace(stored(void), **steps))
