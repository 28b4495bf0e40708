"""How a stored case stands at an instant, read from its columns alone, as the views read them.

Cases that something moved have the steps of each rule. All others are read by their term and their end.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chaos.oracle.case import Case
from chaos.oracle.event_content import micros
from chaos.oracle.facts import local_day
from chaos.oracle.life import Life
from chaos.oracle.on_time import RULE_NAMES, RuleName
from schemas.instant import from_micros

_STANDINGS = ("early", "on time", "late", "in term", "overdue")
_LONG = 400 * 86_400_000_000
"""After the last event; the promises of procedures are shorter."""
_NEVER = 10_413_705_600_000_000
"""2299-12-31 00:00 in UTC."""


def wrong_standing(life: Life, case: Case, zone: ZoneInfo) -> str | None:
    """The first rule and instant at which the stored columns say something else than the life of the case.

    Between two things that happened, a case changes at most once, from in term to overdue. So it is asked at all that
    happened and right before it, at each change that the columns have and right after it, and long after everything.
    """
    if not life.is_judged:
        return "verdicts of what is not judged" if case.verdict_rule else None
    told = life.instants
    asked = {told[-1] + _LONG, *told, *(at - 1 for at in told[1:])}
    asked.update(at + beside for at in stored_instants(case, zone) for beside in (-1, 0, 1))
    for at in sorted(asked):
        for rule in RULE_NAMES:
            is_ = stored_standing(rule, case, at, zone)
            should = life.standing(rule, at)
            if is_ != should:
                return f"by {rule} it is {is_} at {from_micros(at).isoformat()}, should be {should}"
    return None


def stored_standing(rule: RuleName, case: Case, at: int, zone: ZoneInfo) -> str | None:
    """How the case stands by this rule at this instant; None where the columns say nothing."""
    if case.received_at is None or case.voided or at < case.received_at:
        return None
    if case.verdict_rule:
        return _by_steps(rule, case, at)
    if case.case_kind == "feedback" and rule not in RULE_NAMES[:2]:
        return None
    return _plainly(rule, case, at, zone)


def stored_instants(case: Case, zone: ZoneInfo) -> Iterator[int]:
    """The instants after which the columns say that the case stands otherwise."""
    yield from case.verdict_since
    yield from (until for until in case.verdict_until if until < _NEVER)
    if not case.verdict_rule:
        term = case.term_computed if case.term is None else case.term
        yield from () if term is None else (term, _last_moment(local_day(term, zone), zone))


def _last_moment(day: date, zone: ZoneInfo) -> int:
    after = day + timedelta(days=1)
    return micros(datetime(after.year, after.month, after.day, tzinfo=zone)) - 1


def _by_steps(rule: RuleName, case: Case, at: int) -> str | None:
    number = RULE_NAMES.index(rule) + 1
    steps = zip(case.verdict_rule, case.verdict_since, case.verdict_standing, case.verdict_until, strict=True)
    found = None
    for of_rule, since, standing, until in steps:
        if of_rule == number and since <= at:
            found = "overdue" if at > until else _STANDINGS[standing - 1]
    return found


def _plainly(rule: RuleName, case: Case, at: int, zone: ZoneInfo) -> str:
    term = case.term_computed if case.term is None else case.term
    has_ended = case.outcome_at is not None and case.outcome_at <= at
    measured = case.outcome_at if has_ended and case.outcome_at is not None else at
    if rule == "report form" and has_ended and case.outcome != "resolved":
        return "on time"
    if term is None:
        return "on time" if has_ended else "in term"
    day, last = local_day(measured, zone), local_day(term, zone)
    if rule == "report form" and has_ended and day < last:
        return "early"
    good = measured <= term if rule == "instant" else day <= last
    return ("on time" if good else "late") if has_ended else ("in term" if good else "overdue")
