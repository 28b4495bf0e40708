"""Replays the events of one case, in order, into a mutable state."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from chaos.oracle.event_content import FIELDS, kind_of, micros
from schemas import events as kinds
from schemas.events import Event


class State(Struct):
    """A case during its replay; events with a number or a transaction are kept by it."""

    reception: dict[str, Any] = field(default_factory=dict)
    responsible: str = ""
    voided: bool = False
    step: kinds.Progressed | None = None
    term: int | None = None
    appointment: kinds.TermSet | None = None
    outcome: str = ""
    outcome_at: int | None = None
    electronic: bool = False
    by_return: bool = True
    returned_at: int | None = None
    digitised: kinds.Digitised | None = None
    rated: kinds.Rated | None = None
    numbered: defaultdict[str, dict[Any, Any]] = field(default_factory=lambda: defaultdict(dict))


def replayed(events: list[Event]) -> State | None:
    """The state after the events in their order; None where they hold no statement at all.

    Events of a feedback do not count where a dossier was received under the same id.
    """
    if any(isinstance(event, kinds.Received) for event in events):
        events = [event for event in events if not isinstance(event, kinds.FeedbackReceived | kinds.FeedbackAnswered)]
    statements = sorted((statement for event in events for statement in _statements(event)), key=_order)
    if not statements:
        return None
    state = State()
    for statement in statements:
        event = statement[5]
        _EFFECTS[type(event)](state, event, statement[6])
    return state


_Statement: TypeAlias = tuple[int, int, str, bool, bytes, Any, str]
"""(recorded, seq, id, whether it wins a tie of these, its encoding, the event, the single field that it amends)."""


def _order(statement: _Statement) -> tuple[object, ...]:
    return statement[:5]


def _statements(event: Event) -> Iterator[_Statement]:
    """The statements of the event, each with its place in the order.

    Two contents of one id may have the same record time and sequence: the one with the greater encoding comes later.
    An amendment is compared with a reception, a return with an outcome; in a tie, the reception and the outcome hold.
    """
    recorded = micros(event.recorded_at or event.occurred_at)
    occurred = micros(event.occurred_at)
    values = [getattr(event, name) for name in FIELDS[type(event)]]
    plain = [micros(value) if isinstance(value, datetime) else value for value in values]
    if isinstance(event, kinds.Amended):
        for name, value in zip(FIELDS[kinds.Amended], plain, strict=True):
            if value is not None:
                encoding = msgspec.msgpack.encode(("amended", occurred, (value,)))
                yield recorded, event.seq, event.id, False, encoding, event, name
        return
    if getattr(event, "official", "") is None:
        plain.pop()  # an official is the last field, and no content where none is given
    encoding = msgspec.msgpack.encode((kind_of(event), occurred, plain))
    yield recorded, event.seq, event.id, not isinstance(event, kinds.Returned), encoding, event, ""


def _received(state: State, event: Any, _: str) -> None:
    dossier = isinstance(event, kinds.Received)
    state.reception = {
        "case_kind": "dossier" if dossier else "feedback",
        "agency": event.agency,
        "channel": event.channel,
        "received_at": event.occurred_at,
        "procedure": event.procedure if dossier else None,
        "receiver": event.receiver if dossier else None,
        "fee_bearing": event.fee_bearing if dossier else False,
    }


def _amended(state: State, event: Any, name: str) -> None:
    if state.reception:
        state.reception[name] = getattr(event, name)


def _made_responsible(state: State, event: Any, _: str) -> None:
    state.responsible = event.agency


def _voided(state: State, event: Any, _: str) -> None:
    state.voided = event.voided


def _progressed(state: State, event: Any, _: str) -> None:
    state.step = event


def _term_set(state: State, event: Any, _: str) -> None:
    state.term, state.appointment = micros(event.term), event


def _ended(state: State, event: Any, _: str) -> None:
    kind = kind_of(event)
    state.outcome = "answered" if kind == "feedback_answered" else kind
    state.outcome_at = micros(event.occurred_at)
    state.electronic = isinstance(event, kinds.Resolved) and event.e_result
    state.by_return = False


def _reopened(state: State, _: Any, __: str) -> None:
    state.outcome, state.outcome_at, state.electronic, state.by_return = "", None, False, True


def _returned(state: State, event: Any, _: str) -> None:
    """The result is handed over: without another outcome, that is the outcome."""
    state.returned_at = micros(event.occurred_at)
    if state.by_return:
        state.outcome, state.outcome_at = "resolved", state.returned_at


def _digitised(state: State, event: Any, _: str) -> None:
    state.digitised = event


def _rated(state: State, event: Any, _: str) -> None:
    state.rated = event


def _numbered(state: State, event: Any, _: str) -> None:
    state.numbered[kind_of(event)][event.number] = event


def _of_transaction(state: State, event: Any, _: str) -> None:
    state.numbered[kind_of(event)][event.transaction] = event


_EFFECTS: dict[type[Event], Callable[[State, Any, str], None]] = {
    kinds.Received: _received,
    kinds.FeedbackReceived: _received,
    kinds.Amended: _amended,
    kinds.Assigned: _made_responsible,
    kinds.Transferred: _made_responsible,
    kinds.Voided: _voided,
    kinds.Progressed: _progressed,
    kinds.TermSet: _term_set,
    kinds.Resolved: _ended,
    kinds.Withdrawn: _ended,
    kinds.Refused: _ended,
    kinds.Stopped: _ended,
    kinds.FeedbackAnswered: _ended,
    kinds.Reopened: _reopened,
    kinds.Returned: _returned,
    kinds.Digitised: _digitised,
    kinds.Rated: _rated,
    kinds.Extended: _numbered,
    kinds.SupplementRequested: _numbered,
    kinds.SupplementAnswered: _numbered,
    kinds.ObligationSet: _numbered,
    kinds.ObligationMet: _numbered,
    kinds.Paused: _numbered,
    kinds.Resumed: _numbered,
    kinds.Paid: _of_transaction,
    kinds.Refunded: _of_transaction,
}
