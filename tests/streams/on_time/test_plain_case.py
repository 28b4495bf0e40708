"""Plain cases are judged by a table: what it says is what `judge` and `timeline` say, at every instant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.instant import EARLIEST, LATEST, to_micros
from streams.on_time.clock_stops import Stop
from streams.on_time.history import Appointment, Extension, History
from streams.on_time.local_days import local_day
from streams.on_time.plain_case import is_plain, plain_standings
from streams.on_time.rules import DATE_AS_SENT, DECISION_766, INSTANT_AS_SENT, RULES
from streams.on_time.timeline import timeline
from streams.on_time.verdicts import is_judged, judge
from tests.streams.on_time.lives import USUAL, moments
from tests.streams.on_time.told import micros
from tests.thorough import sized

START = micros("2026-03-02 08:00")
PLAIN = History(START, appointment=Appointment(micros("2026-03-10 17:00"), START))
VERSIONS = (RULES, (INSTANT_AS_SENT, DATE_AS_SENT, structs.replace(DECISION_766, late_from_supplement=0), RULES[3]))


def anywhere() -> st.SearchStrategy[int]:
    """Around Tết 2026, and anywhere that calendars reach, up to their very edges."""
    first, last = to_micros(EARLIEST), to_micros(LATEST) - 1
    return moments() | st.sampled_from((first, last)) | st.integers(first, last)


OUTCOMES = st.sampled_from(("", "resolved", "withdrawn", "refused", "stopped", "answered"))


@st.composite
def unmoved(draw: st.DrawFn) -> History:
    """Cases without extensions and stops; many are plain."""
    received, outcome = draw(anywhere()), draw(OUTCOMES)
    set_at = draw(st.sampled_from((received, received - 1)) | anywhere())
    return History(
        received,
        computed=draw(st.none() | anywhere()),
        appointment=draw(st.none() | st.builds(Appointment, anywhere(), st.just(set_at))),
        outcome=outcome,  # type: ignore[arg-type]
        outcome_at=draw(anywhere()) if outcome else None,
        returned_at=draw(st.none() | anywhere()),
        is_feedback=draw(st.booleans()),
    )


@given(history=unmoved().filter(is_plain), at=anywhere())
@settings(max_examples=sized(200, 5_000))
def test_the_table_says_what_every_rule_says_at_every_instant(history: History, at: int) -> None:
    at, table = max(at, history.received_at), USUAL.timetable
    standings = plain_standings(history, at, lambda instant: local_day(instant, table))
    for rules in VERSIONS:
        for rule, standing in zip(rules, standings, strict=True):
            if is_judged(rule, history):
                verdict = judge(rule, history, at, USUAL)
                steps = [step for step in timeline(rule, history, USUAL) if step.since <= at]
                assert verdict is not None
                assert verdict.standing == steps[-1].standing_at(at) == standing, rule


@pytest.mark.parametrize(
    "moved",
    [
        {"stops": (Stop("pause", START, START + 1),)},
        {"extensions": (Extension(Appointment(START, START), False),)},
        {"appointment": Appointment(micros("2026-03-10 17:00"), START + 1)},
        {"outcome": "resolved", "outcome_at": START - 1},
        {"outcome": "refused", "outcome_at": START + 1, "returned_at": START + 2},
        {"appointment": Appointment(to_micros(LATEST) - 1, START)},
        {"appointment": None, "computed": to_micros(EARLIEST)},
    ],
    ids=lambda moved: ", ".join(moved),
)
def test_what_moves_a_term_or_an_end_makes_a_case_other_than_plain(moved: dict[str, object]) -> None:
    assert is_plain(PLAIN)
    assert not is_plain(structs.replace(PLAIN, **moved))


@pytest.mark.parametrize(
    "harmless",
    [
        {"appointment": None},
        {"appointment": None, "computed": micros("2026-03-10 17:00")},
        {"appointment": Appointment(START - 5, START - 5)},
        {"outcome": "resolved", "outcome_at": START + 1, "returned_at": START + 2},
        {"outcome": "refused", "outcome_at": START + 2, "returned_at": START + 1},
        {"returned_at": START + 1},
    ],
    ids=lambda harmless: ", ".join(harmless),
)
def test_other_cases_are_plain(harmless: dict[str, object]) -> None:
    assert is_plain(structs.replace(PLAIN, **harmless))
