"""Verdicts as counting stores them: the steps of each rule, or none of a plain case, which is read by its term."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.memory_store import MemoryStore
from schemas import events as kinds
from schemas.deployment_profile import Profile
from schemas.envelope import encode, encode_event
from schemas.events import AnyEvent, Event
from schemas.rule_names import RULE_NAMES
from schemas.tables import FACTS
from streams.counting.batch_counting import Counting
from streams.counting.case_history import ruled_history
from streams.counting.facts import Facts, facts_of
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.counting.registers import merged
from streams.counting.verdict_steps import NEVER, STANDINGS
from streams.counting.write_order import flush_windows
from streams.on_time.promise import Promise
from streams.on_time.ruling import Ruling, built_in_ruling
from streams.on_time.verdicts import judge
from tests.strategies import events_of
from tests.streams.cases import at, said
from tests.streams.on_time.lives import USUAL, lives, moments
from tests.streams.on_time.told import CASES, LONG_AFTER, VIETNAM, events_in, micros, promise_in
from tests.streams.rulings import VARIED
from tests.thorough import sized

COLUMNS = ("by instant", "by date", "decision 766", "report form")
"""Those of terms.csv, in the order of RULE_NAMES."""
RECEIVED = said(kinds.Received, "2026-03-02 08:00", agency="H01", procedure="P1")
TERM = said(kinds.TermSet, "2026-03-02 08:00", term=at("2026-03-10 17:00"))
EXTENDED = said(kinds.Extended, "2026-03-09 08:00", term=at("2026-03-20 17:00"), apology=True)


def read(row: dict[str, Any], rule: int, at: int) -> str | None:
    """How a case stands, of its row alone, as a query has to read it."""
    if row["received_at"] is None or row["voided"] or row["received_at"] > at:
        return None
    if row["case_kind"] == "feedback" and rule > 2:
        return None
    if row["verdict_rule"]:
        columns = (row[f"verdict_{column}"] for column in ("rule", "since", "standing", "until"))
        *_, last = [step for step in zip(*columns, strict=True) if step[0] == rule and step[1] <= at]
        return "overdue" if at > last[3] else STANDINGS[last[2] - 1]
    term = row["term_computed"] if row["term"] is None else row["term"]
    has_ended = row["outcome_at"] is not None and row["outcome_at"] <= at
    measured = row["outcome_at"] if has_ended else at
    if rule == 4 and has_ended and row["outcome"] != "resolved":
        return "on time"
    if rule == 4 and has_ended and term is not None and day(measured) < day(term):
        return "early"
    good = term is None or (measured <= term if rule == 1 else day(measured) <= day(term))
    return ("on time" if good else "late") if has_ended else ("in term" if good else "overdue")


def day(at: int) -> date:
    return datetime.fromtimestamp(at // 1_000_000, VIETNAM).date()


def row_of(facts: Facts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in Facts.__struct_fields__}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in a batch each"])
def test_rows_say_of_the_cases_worked_out_by_hand_what_was_worked_out(together: bool) -> None:
    for case in CASES:
        promise = promise_in(case["procedure"])
        row = counted(events_in(case["received"], case["events"]), promise, together)
        instant = micros(case["as of"] or LONG_AFTER)
        found = [read(row, rule, instant) or "not received" for rule, _ in enumerate(COLUMNS, 1)]
        assert found == [case[column] for column in COLUMNS], case["case"]


def counted(events: list[Event], promise: Promise | None, together: bool) -> dict[str, Any]:
    """The row of the one case of these events, as a worker writes it."""
    records = [
        Record(0, offset, 4_000_000_000_000, encode([encode_event(event)])) for offset, event in enumerate(events)
    ]
    ruling = Ruling(lambda _agency: USUAL, lambda *_: promise)
    store = MemoryStore()
    counting = Counting(Identity("T", 1, 1, Profile(), ruling), store)
    for some in [records] if together else [[record] for record in records]:
        for batch in counting.count(some, lambda: None, datetime.now(UTC)):
            flush_windows(batch, store)
            store.write(FACTS, batch.facts)
            assert not batch.dead
    (row,) = store.final(FACTS)
    return dict(zip(FACTS.columns, row, strict=True))


@settings(max_examples=sized(100, 3_000))
@given(life=lives(10), at=moments(), agency=st.sampled_from(("H01", "H02")))
def test_rows_say_what_the_rules_say_at_every_instant(life: list[Event], at: int, agency: str) -> None:
    assigned = kinds.Assigned(id="a", dossier="D", source="s", occurred_at=life[0].occurred_at, agency=agency)
    assert_agreement([*life, assigned], VARIED, at)


@settings(max_examples=sized(60, 2_000))
@given(events=st.lists(events_of("D"), max_size=12), at=moments(), ruling=st.sampled_from((VARIED, built_in_ruling())))
def test_rows_say_what_the_rules_say_at_the_edges_of_calendars(events: list[AnyEvent], at: int, ruling: Ruling) -> None:
    assert_agreement(events, ruling, at)


def assert_agreement(events: list[Event] | list[AnyEvent], ruling: Ruling, at: int) -> None:
    registers = merged(events)
    row, found = row_of(facts_of(registers, ruling)), ruled_history(registers, ruling)
    for rule, name in enumerate(RULE_NAMES, 1):
        expected = None
        if found and found[0].received_at <= at:
            history, calendar = found
            verdict = judge(ruling.rules_for(history.received_at, calendar)[rule - 1], history, at, calendar)
            expected = verdict and verdict.standing
        assert read(row, rule, at) == expected, name


def test_a_plain_case_has_no_steps_and_no_computed_term_where_the_source_sent_one() -> None:
    facts = facts_of(merged([RECEIVED, TERM, said(kinds.Resolved, "2026-03-11 09:00")]), promising("3 working days"))
    assert (facts.term_computed, facts.verdict_rule) == (None, ())


def test_what_the_procedure_promises_is_a_fact_where_the_source_sent_no_term() -> None:
    ruling = promising("3 working days")
    facts = facts_of(merged([RECEIVED]), ruling)
    assert (facts.term, facts.term_computed, facts.verdict_rule) == (None, micros("2026-03-04 17:00"), ())
    assert facts_of(merged([RECEIVED, EXTENDED]), ruling).term_computed is None
    voided = said(kinds.Voided, "2026-03-03 08:00")
    assert facts_of(merged([RECEIVED, voided]), ruling).term_computed is None


def promising(procedure: str) -> Ruling:
    return Ruling(lambda _agency: USUAL, lambda *_: promise_in(procedure))


def test_the_steps_are_rule_by_rule_and_in_order() -> None:
    facts = facts_of(merged([RECEIVED, TERM, EXTENDED]))
    assert facts.verdict_rule == (1, 1, 2, 2, 3, 3, 4, 4)
    assert facts.verdict_since == (micros("2026-03-02 08:00"), micros("2026-03-09 08:00")) * 4
    assert {STANDINGS[number - 1] for number in facts.verdict_standing} == {"in term"}
    assert facts.verdict_until[:4] == (
        *(micros("2026-03-10 17:00"), micros("2026-03-20 17:00")),
        *(micros("2026-03-10 24:00"), micros("2026-03-20 24:00")),
    )


def test_what_time_alone_does_not_change_ends_never() -> None:
    facts = facts_of(merged([RECEIVED, TERM, EXTENDED, said(kinds.Resolved, "2026-03-12 09:00")]))
    assert facts.verdict_until[2::3] == (NEVER,) * 4


def test_a_feedback_has_steps_of_two_rules() -> None:
    received = said(kinds.FeedbackReceived, "2026-03-02 08:00", agency="H01", channel="online")
    assert set(facts_of(merged([received, TERM, EXTENDED])).verdict_rule) == {1, 2}


@pytest.mark.parametrize(
    ("events", "at", "standings"),
    [
        pytest.param(
            (RECEIVED, said(kinds.TermSet, "2026-02-01 08:00", term=at("2026-02-27 17:00"))),
            "2026-03-02 08:00",
            ("overdue",) * 4,
            id="a term before the reception",
        ),
        pytest.param(
            (RECEIVED, TERM, said(kinds.Resolved, "2026-03-20 09:00")),
            "2026-03-05 09:00",
            ("in term",) * 4,
            id="an outcome in the future",
        ),
        pytest.param(
            (RECEIVED, TERM, said(kinds.Paused, "2026-03-04 09:00"), said(kinds.Resumed, "2099-12-31 23:00")),
            "2099-12-31 23:00",
            ("in term", "in term", "overdue", "in term"),
            id="a stop up to the end of calendars",
        ),
        pytest.param(
            (
                *(RECEIVED, TERM, said(kinds.Paused, "2026-03-04 09:00"), said(kinds.Resumed, "2026-03-06 09:00")),
                said(kinds.Amended, "2026-03-07 09:00", received_at=at("2026-03-07 08:00")),
            ),
            "2026-03-11 09:00",
            ("overdue",) * 4,
            id="a reception that was amended to after the stops",
        ),
        pytest.param(
            (RECEIVED, TERM, said(kinds.Voided, "2026-03-03 09:00")), "2026-03-20 09:00", (None,) * 4, id="void"
        ),
        pytest.param((TERM, EXTENDED), "2026-03-20 09:00", (None,) * 4, id="not received"),
    ],
)
def test_odd_cases(events: tuple[Event, ...], at: str, standings: tuple[str | None, ...]) -> None:
    row = row_of(facts_of(merged(events)))
    assert tuple(read(row, rule, micros(at)) for rule in (1, 2, 3, 4)) == standings
