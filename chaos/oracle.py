"""The oracle: what must be stored after some events, from the events alone and by another way than counting goes.

Counting folds events into registers in any order, and adds differences to windows. Here all events of a case are put
in order and replayed into a mutable state, where the later overrides the earlier; then everything is counted once.
No code is shared with counting but the events themselves, so that a mistake in either place shows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from kafka.partitioner.default import murmur2
from msgspec import Struct, field

from schemas import events as said
from schemas.events import Event

Terms = Literal["instant", "date"]
WindowKey: TypeAlias = tuple[str, int, int]
"""(agency, start of the five minutes in seconds since 1970, Kafka partition)."""
EventKey: TypeAlias = tuple[str, str, int]
"""(case, event id, digest of the content): two contents of one id are two events."""


class Case(Struct, frozen=True, gc=False):
    """The columns of `facts` of one case, but for `dossier`, `pos` and `registers`; times are microseconds in UTC."""

    partition: int
    case_kind: str
    voided: bool
    agency: str
    receiver: str
    channel: str
    procedure: str
    fee_bearing: bool
    received_at: int | None
    term_original: int | None
    term: int | None
    extended_at: tuple[int, ...]
    apologies: int
    step: str
    unit: str
    step_at: int | None
    supplement_requested_at: tuple[int, ...]
    suspension: str
    suspended_at: int | None
    outcome: str
    outcome_at: int | None
    on_time: bool | None
    electronic_result: bool
    returned_at: int | None
    payment_at: tuple[int, ...]
    payment_amount: tuple[int, ...]
    payment_online: tuple[bool, ...]
    payment_refunded: tuple[int, ...]
    refund_at: tuple[int, ...]
    refund_amount: tuple[int, ...]
    digitised_at: int | None
    components: int
    components_digitised: int
    components_reused: int
    rated_at: int | None
    satisfied: bool
    score: int


class Expected(Struct, frozen=True):
    """What must be stored: every case's facts, every window's counters that are not zero, every distinct event."""

    facts: dict[str, Case]
    windows: dict[WindowKey, dict[str, int]]
    events: set[EventKey]


def expected(events: Iterable[Event], *, partitions: int, terms: Terms, time_zone: str) -> Expected:
    """What these events must lead to; they come in any order, as often as they like, and all of them are countable.

    `terms` and `time_zone` are the profile's; `partitions` is the events topic's count. Lines that counting puts aside
    (in the future, misplaced, broken, what a full case does not take) are the caller's to leave out.
    """
    told: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        told[event.dossier].append(event)
    zone = ZoneInfo(time_zone)
    found = Expected({}, {}, set())
    while told:
        dossier, of_case = told.popitem()  # a million events are not held any longer than they must be
        found.events.update((dossier, event.id, _digest_of(event)) for event in of_case)
        state = _replayed(of_case)
        if state is None:
            continue  # amendments of nothing to nothing: they say nothing
        partition = (murmur2(dossier.encode()) & 0x7FFFFFFF) % partitions
        case = found.facts[dossier] = _case(state, partition, terms, zone)
        for at, counter, amount in _counted(case, zone):
            if at is not None and amount:
                key = (case.agency, at // 300_000_000 * 300, partition)
                counts = found.windows.setdefault(key, {})
                counts[counter] = counts.get(counter, 0) + amount
    return found


class Capacity:
    """What cases take, of the events of a log in its order: of what has a number or a transaction, only so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: defaultdict[str, set[tuple[type[Event], object]]] = defaultdict(set)

    def takes(self, event: Event) -> bool:
        """Whether this event, the next one of the log, counts."""
        which = getattr(event, "number", None) or getattr(event, "transaction", None)
        if which is None:
            return True
        taken = self._taken[event.dossier]
        if len(taken) < self._most:
            taken.add((type(event), which))
        return (type(event), which) in taken


def digest(kind: str, source: str, occurred: int, payload: dict[str, Any]) -> int:
    """What tells two contents of one event id apart; `payload` as stored, times as text in UTC, without None."""
    content = msgspec.msgpack.encode((kind, source, occurred, sorted(payload.items())))
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS: dict[type[Event], tuple[str, ...]] = {
    kind: tuple(name for name in kind.__struct_fields__ if name not in Event.__struct_fields__)
    for kind in said.AnyEvent.__args__
}


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _perhaps(at: datetime | None) -> int | None:
    return None if at is None else _micros(at)


def _kind(event: Event) -> str:
    return str(type(event).__struct_config__.tag)


def _digest_of(event: Event) -> int:
    payload = {}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, datetime):
            payload[name] = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        elif value is not None:
            payload[name] = value
    return digest(_kind(event), event.source, _micros(event.occurred_at), payload)


class _State(Struct):
    """A case while it is replayed; events of what has a number or a transaction are kept by it."""

    reception: dict[str, Any] = field(default_factory=dict)
    responsible: str = ""
    voided: bool = False
    step: said.Progressed | None = None
    term: int | None = None
    outcome: str = ""
    outcome_at: int | None = None
    electronic: bool = False
    by_return: bool = True
    returned_at: int | None = None
    digitised: said.Digitised | None = None
    rated: said.Rated | None = None
    numbered: defaultdict[str, dict[Any, Any]] = field(default_factory=lambda: defaultdict(dict))


def _replayed(events: list[Event]) -> _State | None:
    """The state after the events in their order; None where they say nothing at all.

    Of what was received as a dossier, nothing counts that is said of a feedback with its id.
    """
    if any(isinstance(event, said.Received) for event in events):
        events = [event for event in events if not isinstance(event, said.FeedbackReceived | said.FeedbackAnswered)]
    statements = sorted((statement for event in events for statement in _statements(event)), key=_order)
    if not statements:
        return None
    state = _State()
    for statement in statements:
        event = statement[5]
        _EFFECTS[type(event)](state, event, statement[6])
    return state


_Statement: TypeAlias = tuple[int, int, str, bool, bytes, Any, str]
"""(recorded, seq, id, whether it wins a tie of these, its encoding, the event, the one field that it amends)."""


def _order(statement: _Statement) -> tuple[object, ...]:
    return statement[:5]


def _statements(event: Event) -> Iterator[_Statement]:
    """What the event says, each statement with its place in the order.

    Contents of one id may share record time and sequence: the greater encoding comes later then. What an amendment
    and a return are compared to is a reception and an outcome, and those hold where the record is the very same.
    """
    recorded = _micros(event.recorded_at or event.occurred_at)
    occurred = _micros(event.occurred_at)
    values = [getattr(event, name) for name in _FIELDS[type(event)]]
    plain = [_micros(value) if isinstance(value, datetime) else value for value in values]
    if isinstance(event, said.Amended):
        for name, value in zip(_FIELDS[said.Amended], plain, strict=True):
            if value is not None:
                encoding = msgspec.msgpack.encode(("amended", occurred, (value,)))
                yield recorded, event.seq, event.id, False, encoding, event, name
        return
    encoding = msgspec.msgpack.encode((_kind(event), occurred, plain))
    yield recorded, event.seq, event.id, not isinstance(event, said.Returned), encoding, event, ""


def _received(state: _State, event: Any, _: str) -> None:
    dossier = isinstance(event, said.Received)
    state.reception = {
        "case_kind": "dossier" if dossier else "feedback",
        "agency": event.agency,
        "channel": event.channel,
        "received_at": event.occurred_at,
        "procedure": event.procedure if dossier else None,
        "receiver": event.receiver if dossier else None,
        "fee_bearing": event.fee_bearing if dossier else False,
    }


def _amended(state: _State, event: Any, name: str) -> None:
    if state.reception:
        state.reception[name] = getattr(event, name)


def _made_responsible(state: _State, event: Any, _: str) -> None:
    state.responsible = event.agency


def _voided(state: _State, event: Any, _: str) -> None:
    state.voided = event.voided


def _progressed(state: _State, event: Any, _: str) -> None:
    state.step = event


def _term_set(state: _State, event: Any, _: str) -> None:
    state.term = _micros(event.term)


def _ended(state: _State, event: Any, _: str) -> None:
    kind = _kind(event)
    state.outcome = "answered" if kind == "feedback_answered" else kind
    state.outcome_at = _micros(event.occurred_at)
    state.electronic = isinstance(event, said.Resolved) and event.e_result
    state.by_return = False


def _reopened(state: _State, _: Any, __: str) -> None:
    state.outcome, state.outcome_at, state.electronic, state.by_return = "", None, False, True


def _returned(state: _State, event: Any, _: str) -> None:
    """The result is handed over: where no outcome stands, that is the outcome."""
    state.returned_at = _micros(event.occurred_at)
    if state.by_return:
        state.outcome, state.outcome_at = "resolved", state.returned_at


def _digitised(state: _State, event: Any, _: str) -> None:
    state.digitised = event


def _rated(state: _State, event: Any, _: str) -> None:
    state.rated = event


def _numbered(state: _State, event: Any, _: str) -> None:
    state.numbered[_kind(event)][event.number] = event


def _of_transaction(state: _State, event: Any, _: str) -> None:
    state.numbered[_kind(event)][event.transaction] = event


_EFFECTS: dict[type[Event], Callable[[_State, Any, str], None]] = {
    said.Received: _received,
    said.FeedbackReceived: _received,
    said.Amended: _amended,
    said.Assigned: _made_responsible,
    said.Transferred: _made_responsible,
    said.Voided: _voided,
    said.Progressed: _progressed,
    said.TermSet: _term_set,
    said.Resolved: _ended,
    said.Withdrawn: _ended,
    said.Refused: _ended,
    said.Stopped: _ended,
    said.FeedbackAnswered: _ended,
    said.Reopened: _reopened,
    said.Returned: _returned,
    said.Digitised: _digitised,
    said.Rated: _rated,
    said.Extended: _numbered,
    said.SupplementRequested: _numbered,
    said.SupplementAnswered: _numbered,
    said.ObligationSet: _numbered,
    said.ObligationMet: _numbered,
    said.Paused: _numbered,
    said.Resumed: _numbered,
    said.Paid: _of_transaction,
    said.Refunded: _of_transaction,
}


def _case(state: _State, partition: int, terms: Terms, zone: ZoneInfo) -> Case:
    """The state, as facts show it."""
    reception, step, digitised, rated = state.reception, state.step, state.digitised, state.rated
    extensions = [state.numbered["extended"][number] for number in sorted(state.numbered["extended"])]
    requests = state.numbered["supplement_requested"]
    paid = [state.numbered["paid"][transaction] for transaction in sorted(state.numbered["paid"])]
    refunded = state.numbered["refunded"]
    term = _micros(extensions[-1].term) if extensions else state.term
    waiting = min(_waiting(state), default=(None, ""))
    return Case(
        partition=partition,
        case_kind=reception.get("case_kind", ""),
        voided=state.voided,
        agency=state.responsible or reception.get("agency", ""),
        receiver=reception.get("receiver") or "",
        channel=reception.get("channel", ""),
        procedure=reception.get("procedure") or "",
        fee_bearing=reception.get("fee_bearing", False),
        received_at=_perhaps(reception.get("received_at")),
        term_original=state.term,
        term=term,
        extended_at=tuple([_micros(event.occurred_at) for event in extensions]),
        apologies=len([event for event in extensions if event.apology]),
        step=step.step if step else "",
        unit=(step.unit or "") if step else "",
        step_at=_micros(step.occurred_at) if step else None,
        supplement_requested_at=tuple([_micros(requests[number].occurred_at) for number in sorted(requests)]),
        suspension=waiting[1],
        suspended_at=waiting[0],
        outcome=state.outcome,
        outcome_at=state.outcome_at,
        on_time=None if state.outcome_at is None else _in_time(state.outcome_at, term, terms, zone),
        electronic_result=state.electronic,
        returned_at=state.returned_at,
        payment_at=tuple([_micros(event.occurred_at) for event in paid]),
        payment_amount=tuple([event.amount for event in paid]),
        payment_online=tuple([event.method == "online" for event in paid]),
        payment_refunded=tuple(
            [refunded[event.transaction].amount if event.transaction in refunded else 0 for event in paid]
        ),
        refund_at=tuple([_micros(refunded[transaction].occurred_at) for transaction in sorted(refunded)]),
        refund_amount=tuple([refunded[transaction].amount for transaction in sorted(refunded)]),
        digitised_at=_micros(digitised.occurred_at) if digitised else None,
        components=digitised.components if digitised else 0,
        components_digitised=digitised.digitised if digitised else 0,
        components_reused=digitised.reused if digitised else 0,
        rated_at=_micros(rated.occurred_at) if rated else None,
        satisfied=rated.satisfied if rated else False,
        score=(rated.score or 0) if rated else 0,
    )


def _waiting(state: _State) -> Iterator[tuple[int, str]]:
    """Since when the case waits, and for what, each that was not answered."""
    for begins, ends, name in (
        ("obligation_set", "obligation_met", "obligation"),
        ("paused", "resumed", "pause"),
        ("supplement_requested", "supplement_answered", "supplement"),
    ):
        for number, event in state.numbered[begins].items():
            if number not in state.numbered[ends]:
                yield _micros(event.occurred_at), name


def _day(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at // 1_000_000, zone).date()


def _in_time(at: int, term: int | None, terms: Terms, zone: ZoneInfo) -> bool:
    if term is None:
        return True
    return at <= term if terms == "instant" else _day(at, zone) <= _day(term, zone)


def _counted(case: Case, zone: ZoneInfo) -> Iterator[tuple[int | None, str, int]]:
    """(when, counter, amount) of all that the case counts; nothing before its reception is known, or while void."""
    if case.voided:
        return
    if case.case_kind == "dossier":
        yield from _of_reception(case)
        yield from _of_outcome(case, zone)
        yield from _of_money(case)
        yield case.returned_at, "returned", 1
        yield from ((at, "extensions", 1) for at in case.extended_at)
        yield from ((at, "supplements", 1) for at in case.supplement_requested_at)
        yield case.digitised_at, "digitisations", 1
        yield case.digitised_at, "components", case.components
        yield case.digitised_at, "components_digitised", case.components_digitised
        yield case.digitised_at, "components_reused", case.components_reused
        yield case.rated_at, "rated", 1
        yield case.rated_at, "satisfied", int(case.satisfied)
    elif case.case_kind == "feedback":
        yield case.received_at, "feedback_received", 1
        if case.outcome in {"answered", "resolved"}:
            yield case.outcome_at, "feedback_answered", 1
            yield case.outcome_at, "feedback_on_time", int(bool(case.on_time))
        yield case.rated_at, "feedback_rated", 1
        yield case.rated_at, "feedback_satisfied", int(case.satisfied)


def _of_reception(case: Case) -> Iterator[tuple[int | None, str, int]]:
    yield case.received_at, "received", 1
    if case.channel in {"online", "postal"}:
        yield case.received_at, f"received_{case.channel}", 1
    if case.fee_bearing:
        yield case.received_at, "fee_bearing", 1
        kept = [
            online and (back == 0 or back < amount)
            for online, amount, back in zip(
                case.payment_online, case.payment_amount, case.payment_refunded, strict=True
            )
        ]
        yield case.received_at, "fee_paid_online", int(any(kept))


def _of_outcome(case: Case, zone: ZoneInfo) -> Iterator[tuple[int | None, str, int]]:
    if case.outcome == "resolved" and case.outcome_at is not None:
        yield case.outcome_at, "resolved", 1
        yield case.outcome_at, "resolved_on_time", int(bool(case.on_time))
        yield case.outcome_at, "resolved_electronically", int(case.electronic_result)
        if case.term is not None and _day(case.outcome_at, zone) < _day(case.term, zone):
            yield case.outcome_at, "resolved_early", 1
    elif case.outcome in {"withdrawn", "refused", "stopped"}:
        yield case.outcome_at, case.outcome, 1


def _of_money(case: Case) -> Iterator[tuple[int | None, str, int]]:
    for at, amount, online in zip(case.payment_at, case.payment_amount, case.payment_online, strict=True):
        yield at, "payments", 1
        yield at, "payments_online", int(online)
        yield at, "paid_amount", amount
    for at, amount in zip(case.refund_at, case.refund_amount, strict=True):
        yield at, "refunds", 1
        yield at, "refunded_amount", amount
