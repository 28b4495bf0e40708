"""The truth of the seed case: what its lives count to, from the lives themselves and by no rule of counting."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bench.seed_case.case_lives import ONLINE, OPEN, OUTCOMES, POSTAL, RESOLVED, Lives, Whole, lives
from bench.seed_case.cells import Amounts, Cells, packed, summed
from bench.seed_case.event_statements import statements
from bench.seed_case.expected_verdicts import verdicts
from schemas.counters import COUNTERS

FACTS: dict[str, str] = {
    "cases": "count()",
    "voided": "countIf(voided)",
    "dossiers": "countIf(NOT voided)",
    "online": "countIf(NOT voided AND channel = 'online')",
    "postal": "countIf(NOT voided AND channel = 'postal')",
    "fee_bearing": "countIf(fee_bearing)",
    "open": "countIf(NOT voided AND outcome = '')",
    "resolved": "countIf(outcome = 'resolved')",
    "withdrawn": "countIf(outcome = 'withdrawn')",
    "refused": "countIf(outcome = 'refused')",
    "stopped": "countIf(outcome = 'stopped')",
    "on_time": "countIf(outcome = 'resolved' AND on_time)",
    "electronic": "countIf(electronic_result)",
    "returned": "count(returned_at)",
    "extensions": "sum(length(extended_at))",
    "apologies": "sum(apologies)",
    "supplements": "sum(length(supplement_requested_at))",
    "suspended": "countIf(suspension = 'supplement')",
    "payments": "sum(length(payment_at))",
    "paid_online": "sum(arrayCount(payment_online))",
    "paid_amount": "sum(arraySum(payment_amount))",
    "refunded_amount": "sum(arraySum(payment_refunded))",
    "components": "sum(components)",
    "components_digitised": "sum(components_digitised)",
    "components_reused": "sum(components_reused)",
    "rated": "count(rated_at)",
    "satisfied": "countIf(satisfied)",
    "received_seconds": "sum(toUnixTimestamp(received_at))",
    "term_original_seconds": "sum(toUnixTimestamp(term_original))",
    "term_seconds": "sum(toUnixTimestamp(term))",
    "outcome_seconds": "sum(toUnixTimestamp(outcome_at))",
    "returned_seconds": "sum(toUnixTimestamp(returned_at))",
}
"""What is compared of the facts of each agency, with the SQL that asks for it: a sum of times finds a wrong one."""

_UTC_PLUS_7 = 7 * 3600
_Counted: TypeAlias = Iterator[tuple[str, Whole, NDArray[np.bool_] | Whole]]


class Truth(Struct, frozen=True):
    """What must be stored: every counter of every agency and window, facts by agency, and how many distinct events."""

    windows: Cells
    facts: Amounts
    events: int


def truth(seed: int, dossiers: int) -> Truth:
    """The truth of the seed case with so many dossiers."""
    windows = Cells()
    facts: list[Amounts] = []
    events = 0
    for some in lives(seed, dossiers):
        for counter, at, amount in _counted(some):
            where = np.flatnonzero(amount)
            cells = packed(at[where], some.agency[where], _COUNTERS.index(counter))
            windows.add(Amounts(cells, amount[where].astype(np.int64)))
        facts.append(summed(_facts(some)))
        events += sum(len(statement.cases) for statement in statements(some))
    return Truth(windows, summed(facts), events)


_COUNTERS = list(COUNTERS)
_FACTS = list(FACTS)


def _counted(some: Lives) -> _Counted:
    """Each counter, when it counts, and how much of it each case is."""
    real, resolved = ~some.void, some.outcome == RESOLVED
    received, ended, paid = some.received_at, some.ended_at, some.paid_at
    yield "received", received, real
    yield "received_online", received, real & (some.channel == ONLINE)
    yield "received_postal", received, real & (some.channel == POSTAL)
    yield "fee_bearing", received, some.bears_fee
    yield "fee_paid_online", received, some.paid_online & (some.refunded < some.amount)
    yield "resolved", ended, resolved
    yield "resolved_on_time", ended, resolved & ~some.late
    yield "resolved_early", ended, resolved & (_day(ended) < _day(some.term))
    yield "resolved_electronically", ended, some.electronic
    yield "returned", some.returned_at, some.returned_at > 0
    for outcome in range(RESOLVED + 1, len(OUTCOMES)):
        yield OUTCOMES[outcome], ended, some.outcome == outcome
    yield "extensions", some.extended_at, some.extended_at > 0
    yield "supplements", some.supplement_at, some.supplement_at > 0
    yield "payments", paid, paid > 0
    yield "payments_online", paid, some.paid_online
    yield "paid_amount", paid, some.amount
    yield "refunds", some.refunded_at, some.refunded_at > 0
    yield "refunded_amount", some.refunded_at, some.refunded
    yield "digitisations", some.digitised_at, some.digitised_at > 0
    yield "components", some.digitised_at, some.components
    yield "components_digitised", some.digitised_at, some.digitised
    yield "components_reused", some.digitised_at, some.reused
    yield "rated", some.rated_at, some.rated_at > 0
    yield "satisfied", some.rated_at, some.satisfied
    yield from verdicts(some)


def _facts(some: Lives) -> Iterator[Amounts]:
    for name, amount in _measured(some):
        where = np.flatnonzero(amount)
        cells = packed(np.zeros(len(where), np.int64), some.agency[where], _FACTS.index(name))
        yield Amounts(cells, amount[where].astype(np.int64))


def _measured(some: Lives) -> Iterator[tuple[str, NDArray[np.bool_] | Whole]]:
    """Each of FACTS, and how much of it each case is."""
    real, resolved = ~some.void, some.outcome == RESOLVED
    yield "cases", np.full(len(some.number), 1)
    yield "voided", some.void
    yield "dossiers", real
    yield "online", real & (some.channel == ONLINE)
    yield "postal", real & (some.channel == POSTAL)
    yield "fee_bearing", some.bears_fee
    yield "open", real & (some.outcome == OPEN)
    for outcome in range(RESOLVED, len(OUTCOMES)):
        yield OUTCOMES[outcome], some.outcome == outcome
    yield "on_time", resolved & ~some.late
    yield "electronic", some.electronic
    yield "returned", some.returned_at > 0
    yield "extensions", some.extended_at > 0
    yield "apologies", some.extended_at > 0
    yield "supplements", some.supplement_at > 0
    yield "suspended", (some.supplement_at > 0) & (some.answered_at == 0)
    yield "payments", some.paid_at > 0
    yield "paid_online", some.paid_online
    yield "paid_amount", some.amount
    yield "refunded_amount", some.refunded
    yield "components", some.components
    yield "components_digitised", some.digitised
    yield "components_reused", some.reused
    yield "rated", some.rated_at > 0
    yield "satisfied", some.satisfied
    yield "received_seconds", some.received_at
    yield "term_original_seconds", some.term_original
    yield "term_seconds", some.term
    yield "outcome_seconds", some.ended_at
    yield "returned_seconds", some.returned_at


def _day(at: Whole) -> Whole:
    return (at + _UTC_PLUS_7) // 86_400
