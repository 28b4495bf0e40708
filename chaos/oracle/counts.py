"""What the facts of a case count, and when."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from chaos.oracle.case import Case
from chaos.oracle.facts import local_day
from chaos.oracle.life import Life
from chaos.oracle.on_time import RULE_NAMES


def counted(case: Case, life: Life, zone: ZoneInfo) -> Iterator[tuple[int | None, str, int]]:
    """(when, counter, amount) of all that the case counts; nothing before its reception is known, or while void."""
    if case.voided:
        return
    if case.case_kind == "dossier":
        yield from _of_reception(case)
        yield from _of_outcome(case, zone)
        yield from _of_verdicts(case, life)
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
        if case.term is not None and local_day(case.outcome_at, zone) < local_day(case.term, zone):
            yield case.outcome_at, "resolved_early", 1
    elif case.outcome in {"withdrawn", "refused", "stopped"}:
        yield case.outcome_at, case.outcome, 1


def _of_verdicts(case: Case, life: Life) -> Iterator[tuple[int | None, str, int]]:
    """How it stands by each rule once everything has happened that is known of it."""
    at = case.outcome_at
    if at is None:
        return
    instant, date, by_766, form = [life.standing(rule, max(at, life.instants[-1])) for rule in RULE_NAMES]
    yield at, "resolved_on_time_by_instant", int(case.outcome == "resolved" and instant == "on time")
    yield at, "resolved_on_time_by_date", int(case.outcome == "resolved" and date == "on time")
    yield at, "judged_by_766", 1
    yield at, "on_time_by_766", int(by_766 == "on time")
    yield at, "form_early", int(form == "early")
    yield at, "form_on_time", int(form == "on time")


def _of_money(case: Case) -> Iterator[tuple[int | None, str, int]]:
    for at, amount, online in zip(case.payment_at, case.payment_amount, case.payment_online, strict=True):
        yield at, "payments", 1
        yield at, "payments_online", int(online)
        yield at, "paid_amount", amount
    for at, amount in zip(case.refund_at, case.refund_amount, strict=True):
        yield at, "refunds", 1
        yield at, "refunded_amount", amount
