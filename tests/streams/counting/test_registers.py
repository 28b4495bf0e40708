from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.envelope import encode_event
from schemas.events import KINDS, AnyEvent, Assigned, Event, Progressed, Resolved, Returned
from streams.counting.facts import facts_of
from streams.counting.registers import fold, pack, register_of, unpack
from streams.counting.rows import payload_json
from tests.strategies import MOMENTS, conflicting_events, events
from tests.streams.cases import joined, said
from tests.thorough import sized

CASE = ("D1",)


def assert_join(history: Sequence[AnyEvent], random: Random) -> None:
    """Order, repetition and interruption of a history make no difference to its registers."""
    once = joined(*history)
    shuffled = [*history, *random.choices(history, k=len(history) // 2 + 1)]
    random.shuffle(shuffled)
    cut = random.randint(0, len(shuffled))
    registers = unpack(pack(joined(*shuffled[:cut])))
    for event in shuffled[cut:]:
        registers = dict(fold(registers, event))
    assert registers == once
    assert pack(registers) == pack(once)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@settings(max_examples=sized(5, 40))
@given(data=st.data())
def test_every_kind_folds_alike_in_any_order_grouping_and_number(kind: type[Event], data: st.DataObject) -> None:
    history = data.draw(st.lists(conflicting_events(CASE, (kind,)), min_size=1, max_size=6))
    assert_join(history, data.draw(st.randoms(use_true_random=False)))


@settings(max_examples=sized(10, 150))
@given(
    history=st.lists(events(CASE) | conflicting_events(CASE), min_size=1, max_size=15),
    random=st.randoms(use_true_random=False),
)
def test_mixtures_fold_alike_in_any_order_grouping_and_number(history: list[AnyEvent], random: Random) -> None:
    assert_join(history, random)


def tied(kind: type[Event]) -> st.SearchStrategy[Any]:
    return events(CASE, (kind,)).map(
        lambda event: msgspec.structs.replace(event, id="same", recorded_at=MOMENTS[2], seq=1)
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@settings(max_examples=sized(4, 10))
@given(data=st.data())
def test_of_two_contents_of_one_id_the_same_wins_in_any_order(kind: type[Event], data: st.DataObject) -> None:
    one, other = data.draw(tied(kind)), data.draw(tied(kind))
    assume(one != other)
    assert joined(one, other) == joined(other, one)
    assert pack(joined(one, other)) == pack(joined(other, one))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"recorded_at": MOMENTS[1]}, {"recorded_at": MOMENTS[2]}),
        ({"seq": 1}, {"seq": 2}),
        ({"seq": 9}, {"seq": 10}),
        ({"id": "a"}, {"id": "b"}),
        ({"recorded_at": MOMENTS[1], "seq": 9, "id": "z"}, {"recorded_at": MOMENTS[2], "seq": 0, "id": "a"}),
        ({"seq": 1, "id": "z"}, {"seq": 2, "id": "a"}),
    ],
    ids=["recorded", "seq", "seq-as-number", "id", "recorded-before-seq-and-id", "seq-before-id"],
)
def test_the_greatest_recorded_at_then_seq_then_id_holds(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    same = {"recorded_at": MOMENTS[1], "seq": 0, "id": "a"}
    loser = said(Resolved, "2026-03-10 09:00", **(same | earlier))
    winner = said(Resolved, "2026-03-09 09:00", **(same | later))
    assert joined(winner, loser) == joined(loser, winner) == joined(winner)


@settings(max_examples=sized(10, 100))
@given(history=st.lists(events(CASE) | conflicting_events(CASE), min_size=1, max_size=15))
def test_what_changes_nothing_leaves_the_very_same_object(history: list[AnyEvent]) -> None:
    registers = joined(*history)
    before = dict(registers)
    assert all(fold(registers, event) is registers for event in history)
    assert registers == before


@settings(max_examples=sized(10, 100))
@given(event=events(CASE))
def test_folding_leaves_the_registers_it_was_given_alone(event: AnyEvent) -> None:
    registers = joined(said(Resolved, "2026-03-10 09:00"), said(Returned, "2026-03-10 10:00"))
    before = dict(registers)
    fold(registers, event)
    assert registers == before


@settings(max_examples=sized(10, 100))
@given(
    one=st.lists(conflicting_events(CASE), max_size=4),
    other=st.lists(conflicting_events(CASE), max_size=4),
    random=st.randoms(use_true_random=False),
)
def test_registers_are_equal_exactly_where_their_bytes_are(
    one: list[AnyEvent], other: list[AnyEvent], random: Random
) -> None:
    registers, others = joined(*one), joined(*other)
    assert (registers == others) == (pack(registers) == pack(others))
    entries = list(registers.items())
    random.shuffle(entries)
    assert pack(dict(entries)) == pack(registers)
    assert unpack(pack(registers)) == registers


STEP = said(Progressed, "2026-03-02 09:00", id="e2", step="intake", unit="Office 2")
ASSIGNED = said(Assigned, "2026-03-02 08:30", id="e1", agency="H02", unit="Office 1")
BEFORE_OFFICIALS = (
    b"\x82\xaaassignment\x96\xcf\x00\x06L\x00\x86x6\x00\x00\xa2e1\xa8assigned\xcf\x00\x06L\x00\x86x6\x00"
    b"\x92\xa3H02\xa8Office 1\xa8progress\x96\xcf\x00\x06L\x00\xf1\xc2\x08\x00\x00\xa2e2\xaaprogressed"
    b"\xcf\x00\x06L\x00\xf1\xc2\x08\x00\x92\xa6intake\xa8Office 2"
)
"""The registers of these two events as a release packed them whose events had no officials."""


def test_registers_of_before_events_had_officials_are_those_of_today() -> None:
    assert pack(joined(ASSIGNED, STEP)) == BEFORE_OFFICIALS
    stored = unpack(BEFORE_OFFICIALS)
    assert fold(fold(stored, STEP), ASSIGNED) is stored
    assert (facts_of(stored).unit, facts_of(stored).official) == ("Office 2", "")
    later = said(Progressed, "2026-03-02 10:00", id="e3", step="review", official="CB-7")
    onwards = fold(stored, later)
    assert (facts_of(onwards).unit, facts_of(onwards).official) == ("", "CB-7")
    assert pack(onwards) == pack(joined(later, STEP, ASSIGNED))
    assert unpack(pack(onwards)) == onwards


def test_an_event_without_an_official_is_as_it_was_before_there_were_any() -> None:
    assert encode_event(STEP) == (
        b'{"kind":"progressed","step":"intake","unit":"Office 2","id":"e2","dossier":"D1","source":"test",'
        b'"occurred_at":"2026-03-02T09:00:00+07:00"}'
    )
    register = register_of(STEP)
    assert register[5] == ("intake", "Office 2")
    assert payload_json(register[3], register[5]) == b'{"step":"intake","unit":"Office 2"}'
    register = register_of(msgspec.structs.replace(STEP, official="CB-7"))
    assert payload_json(register[3], register[5]) == b'{"step":"intake","unit":"Office 2","official":"CB-7"}'


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        unpack(b"\xc1")
