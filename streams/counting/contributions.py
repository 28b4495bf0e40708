"""What a case adds to which windows: a pure function of its facts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TypeAlias

from schemas.counters import WINDOW_SECONDS
from schemas.deployment_profile import Profile
from streams.counting.facts import Facts
from streams.counting.verdict_steps import last_standings
from streams.on_time.plain_case import ENDED, Standings, place_of

Window: TypeAlias = tuple[str, int]
"""(agency, start of the window in seconds since 1970)."""
Contributions: TypeAlias = dict[Window, dict[str, int]]
"""Per window the counters that are not zero."""

_SECOND = 1_000_000
_NOTHING: dict[str, int] = {}


def window_of(at: int) -> int:
    """The start in seconds of the window that holds this instant in microseconds."""
    return at // _SECOND // WINDOW_SECONDS * WINDOW_SECONDS


def contributions(facts: Facts, profile: Profile) -> Contributions:
    """What the case counts, by agency and window of event time; nothing while it is not received or void."""
    found: Contributions = {}
    if not facts.case_kind or facts.voided:
        return found
    counted = _dossier(facts, profile) if facts.case_kind == "dossier" else _feedback(facts, profile)
    for at, counter, amount in counted:
        if at is not None and amount:
            counts = found.setdefault((facts.agency, window_of(at)), {})
            counts[counter] = counts.get(counter, 0) + int(amount)
    return found


def difference(after: Contributions, before: Contributions) -> Contributions:
    """What must be added to the windows when a case goes from `before` to `after`, where anything."""
    found: Contributions = {}
    for window in {**before, **after}:
        new, old = after.get(window, _NOTHING), before.get(window, _NOTHING)
        if new != old:
            found[window] = {
                counter: amount for counter in {**old, **new} if (amount := new.get(counter, 0) - old.get(counter, 0))
            }
    return found


def on_time(facts: Facts, profile: Profile) -> bool | None:
    """Whether the outcome came within the current term, by the profile's rule; None without an outcome.

    Without a term it is on time, as the national reports count it.
    """
    return is_on_time(facts.outcome_at, facts.term, profile)


def is_on_time(outcome_at: int | None, term: int | None, profile: Profile) -> bool | None:
    """The same for an outcome and a current term."""
    if outcome_at is None:
        return None
    if term is None:
        return True
    if profile.terms == "instant":
        return outcome_at <= term
    return local_date(outcome_at, profile) <= local_date(term, profile)


def local_date(at: int, profile: Profile) -> date:
    """The day of this instant in the deployment's time zone."""
    return datetime.fromtimestamp(at // _SECOND, UTC).astimezone(profile.zone).date()


_Counted: TypeAlias = tuple[int | None, str, int]


def _dossier(facts: Facts, profile: Profile) -> Iterator[_Counted]:
    received, ended = facts.received_at, facts.outcome_at
    yield received, "received", 1
    yield received, "received_online", facts.channel == "online"
    yield received, "received_postal", facts.channel == "postal"
    yield received, "fee_bearing", facts.fee_bearing
    yield (
        received,
        "fee_paid_online",
        facts.fee_bearing and any(p.online and p.refunded < max(p.amount, 1) for p in facts.payments),
    )
    if facts.outcome == "resolved":
        yield ended, "resolved", 1
        yield ended, "resolved_on_time", bool(on_time(facts, profile))
        yield ended, "resolved_early", _early(facts, profile)
        yield ended, "resolved_electronically", facts.electronic_result
    elif facts.outcome in ("withdrawn", "refused", "stopped"):
        yield ended, facts.outcome, 1
    if ended is not None:
        by_instant, by_date, by_766, by_form = final_standings(facts, ended, profile)
        yield ended, "resolved_on_time_by_instant", facts.outcome == "resolved" and by_instant == "on time"
        yield ended, "resolved_on_time_by_date", facts.outcome == "resolved" and by_date == "on time"
        yield ended, "judged_by_766", 1
        yield ended, "on_time_by_766", by_766 == "on time"
        yield ended, "form_early", by_form == "early"
        yield ended, "form_on_time", by_form == "on time"
    yield facts.returned_at, "returned", 1
    for at in facts.extended_at:
        yield at, "extensions", 1
    for at in facts.supplement_requested_at:
        yield at, "supplements", 1
    for payment in facts.payments:
        yield payment.at, "payments", 1
        yield payment.at, "payments_online", payment.online
        yield payment.at, "paid_amount", payment.amount
    for refund in facts.refunds:
        yield refund.at, "refunds", 1
        yield refund.at, "refunded_amount", refund.amount
    yield facts.digitised_at, "digitisations", 1
    yield facts.digitised_at, "components", facts.components
    yield facts.digitised_at, "components_digitised", facts.components_digitised
    yield facts.digitised_at, "components_reused", facts.components_reused
    yield facts.rated_at, "rated", 1
    yield facts.rated_at, "satisfied", facts.satisfied


def final_standings(facts: Facts, ended: int, profile: Profile) -> Standings:
    """How a dossier that ended then stands by each rule, as now known, in the order of RULE_NAMES.

    That is its last step by the rule. A plain case has no steps, but one term, which its end is held against.
    """
    if facts.verdict_rule:
        return last_standings(facts.verdict_rule, facts.verdict_standing)
    term = facts.term_computed if facts.term is None else facts.term
    place = place_of(ended, term, lambda at: local_date(at, profile).toordinal())
    return ENDED[place, facts.outcome == "resolved"]


def _feedback(facts: Facts, profile: Profile) -> Iterator[_Counted]:
    yield facts.received_at, "feedback_received", 1
    if facts.outcome in ("answered", "resolved"):
        yield facts.outcome_at, "feedback_answered", 1
        yield facts.outcome_at, "feedback_on_time", bool(on_time(facts, profile))
    yield facts.rated_at, "feedback_rated", 1
    yield facts.rated_at, "feedback_satisfied", facts.satisfied


def _early(facts: Facts, profile: Profile) -> bool:
    if facts.term is None or facts.outcome_at is None:
        return False
    return local_date(facts.outcome_at, profile) < local_date(facts.term, profile)
