"""The facts of a case that has been replayed."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chaos.oracle.case import Case, Terms
from chaos.oracle.event_content import micros
from chaos.oracle.life import Life
from chaos.oracle.replay import State


def facts(life: Life, partition: int, terms: Terms, zone: ZoneInfo) -> Case:
    """The facts of a case that was replayed, but for its verdicts."""
    state = life.state
    reception, step, digitised, rated = state.reception, state.step, state.digitised, state.rated
    extensions = [state.numbered["extended"][number] for number in sorted(state.numbered["extended"])]
    requests = state.numbered["supplement_requested"]
    paid = [state.numbered["paid"][transaction] for transaction in sorted(state.numbered["paid"])]
    refunded = state.numbered["refunded"]
    term = micros(extensions[-1].term) if extensions else state.term
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
        received_at=_micros_or_none(reception.get("received_at")),
        term_original=state.term,
        term=term,
        extended_at=tuple([micros(event.occurred_at) for event in extensions]),
        apologies=len([event for event in extensions if event.apology]),
        step=step.step if step else "",
        unit=(step.unit or "") if step else "",
        official=(step.official or "") if step else "",
        step_at=micros(step.occurred_at) if step else None,
        supplement_requested_at=tuple([micros(requests[number].occurred_at) for number in sorted(requests)]),
        suspension=waiting[1],
        suspended_at=waiting[0],
        outcome=state.outcome,
        outcome_at=state.outcome_at,
        on_time=None if state.outcome_at is None else _in_time(state.outcome_at, term, terms, zone),
        electronic_result=state.electronic,
        returned_at=state.returned_at,
        payment_at=tuple([micros(event.occurred_at) for event in paid]),
        payment_amount=tuple([event.amount for event in paid]),
        payment_online=tuple([event.method == "online" for event in paid]),
        payment_refunded=tuple(
            [refunded[event.transaction].amount if event.transaction in refunded else 0 for event in paid]
        ),
        refund_at=tuple([micros(refunded[transaction].occurred_at) for transaction in sorted(refunded)]),
        refund_amount=tuple([refunded[transaction].amount for transaction in sorted(refunded)]),
        digitised_at=micros(digitised.occurred_at) if digitised else None,
        components=digitised.components if digitised else 0,
        components_digitised=digitised.digitised if digitised else 0,
        components_reused=digitised.reused if digitised else 0,
        rated_at=micros(rated.occurred_at) if rated else None,
        satisfied=rated.satisfied if rated else False,
        score=(rated.score or 0) if rated else 0,
        term_computed=life.computed,
    )


def _micros_or_none(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _waiting(state: State) -> Iterator[tuple[int, str]]:
    """Every suspension that has not ended: since when, and for what."""
    for begins, ends, name in (
        ("obligation_set", "obligation_met", "obligation"),
        ("paused", "resumed", "pause"),
        ("supplement_requested", "supplement_answered", "supplement"),
    ):
        for number, event in state.numbered[begins].items():
            if number not in state.numbered[ends]:
                yield micros(event.occurred_at), name


def local_day(at: int, zone: ZoneInfo) -> date:
    """The local day of an instant in microseconds."""
    return datetime.fromtimestamp(at // 1_000_000, zone).date()


def _in_time(at: int, term: int | None, terms: Terms, zone: ZoneInfo) -> bool:
    if term is None:
        return True
    return at <= term if terms == "instant" else local_day(at, zone) <= local_day(term, zone)
