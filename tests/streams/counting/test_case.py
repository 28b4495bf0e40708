from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import AnyEvent, Event, Extended, Paid, Received, Refunded, Resolved, SupplementRequested
from streams.counting.case import Case, sums_of
from streams.counting.registers import register_of, updates
from tests.strategies import conflicting_events
from tests.streams.cases import said
from tests.thorough import sized

NUMBERED = (Paid, Refunded, Extended, SupplementRequested, Received)


def put(case: Case, *events: Event) -> None:
    for event in events:
        case.put(updates(case.registers, register_of(event)))


def paid(transaction: str, **fields: Any) -> Paid:
    return said(Paid, "2026-03-02 08:00", **{"transaction": transaction, "amount": 5, "method": "online"} | fields)


@settings(max_examples=sized(10, 200))
@given(history=st.lists(conflicting_events(("D1",), NUMBERED), max_size=15), asked_after=st.integers(0, 15))
def test_sums_that_were_kept_up_to_date_are_those_made_anew(history: list[AnyEvent], asked_after: int) -> None:
    case = Case({})
    put(case, *history[:asked_after])
    assert case.sums == sums_of(case.registers)
    put(case, *history[asked_after:])
    assert case.sums == sums_of(case.registers)


def test_a_payment_is_kept_until_all_of_it_is_given_back() -> None:
    case = Case({})
    kept = []
    for event in (
        said(Refunded, "2026-03-02 08:00", transaction="T2", amount=5),
        paid("T1"),
        paid("T2"),
        said(Refunded, "2026-03-02 08:00", transaction="T1", amount=4),
        said(Refunded, "2026-03-02 09:00", transaction="T1", amount=5),
        paid("T2", amount=6, seq=1),
        paid("T2", method="cash", seq=2),
    ):
        put(case, event)
        kept.append(case.sums.kept_online)
    assert kept == [0, 1, 1, 1, 0, 1, 0]


def refused(case: Case, events: Iterable[Event], most: int) -> list[bool]:
    return [case.refuses(register_of(event), most) for event in events]


NEW = (
    paid("T9"),
    said(Refunded, "2026-03-02 08:00", transaction="T1", amount=1),
    said(Extended, "2026-03-02 08:00", term=paid("T").occurred_at),
)


@pytest.mark.parametrize(("most", "expected"), [(3, False), (2, True)])
def test_a_full_case_takes_nothing_that_is_new_and_all_that_it_has(most: int, expected: bool) -> None:
    case = Case({})
    put(case, paid("T1"), paid("T2"), said(Received, "2026-03-02 08:00", agency="H01"))
    assert refused(case, NEW, most) == [expected] * 3
    again = paid("T1", amount=7, seq=3), paid("T1", amount=1), said(Resolved, "2026-03-02 08:00")
    assert refused(case, again, most) == [False] * 3


def test_what_there_is_one_of_takes_no_room() -> None:
    case = Case({})
    put(case, said(Received, "2026-03-02 08:00", agency="H01"), said(Resolved, "2026-03-02 09:00"), paid("T1"))
    assert refused(case, NEW, 2) == [False] * 3
