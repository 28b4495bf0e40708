"""The rule of alerts: which dossiers are late or soon will be, by their facts and the time. It is pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from schemas.alerts import Alert, Level


class StandingAlert(Struct, frozen=True):
    """An alert of a dossier that was raised at an instant and not cleared.

    Alerts of former versions have no rule and no deadline.
    """

    level: str
    agency: str
    procedure: str
    term: datetime | None
    at: datetime
    rule: str = ""
    deadline: datetime | None = None


class Case(Struct, frozen=True):
    """A dossier as it is counted, and its standing alert.

    `ended` is its outcome, or `voided`, or `gone` where it is no longer counted as a dossier; empty while it is open.
    `deadline` is the last instant that is in time, by the leading rule of the deployment; None without a term, and
    while the clock stands. `soon` is the instant before which a deadline of its agency is due soon. `sent` is the term
    without stops, by which alerts of former versions are compared.
    """

    dossier: str
    agency: str
    procedure: str
    ended: str
    sent: datetime | None
    deadline: datetime | None
    soon: datetime
    standing: StandingAlert | None = None


class Grounds(Struct, frozen=True):
    """Why an alert is raised: the rule with its version, the term that it holds the dossier against, and the reason."""

    rule: str
    term: datetime | None
    why: str


class Scan(Struct, frozen=True):
    """What a scan of the dossiers led to: the new alerts, and how many alerts stand by level."""

    alerts: Sequence[Alert]
    standing: Mapping[str, int]


def alerts_of(
    cases: Iterable[Case],
    levels: Sequence[Level],
    rule: str,
    now: datetime,
    seq: int,
    grounds_of: Callable[[Case], Grounds],
) -> Iterator[Alert]:
    """The alerts that are due, numbered from `seq` on: the same cases and `now` always give the same alerts.

    A dossier gets only the most urgent level that it has reached, so one that is long overdue at its first scan is
    announced once. `levels` are ordered from the least urgent. A standing alert is never cleared because the clock was
    set back; it is cleared where the dossier ended, its deadline or agency changed, its clock stands, or its level or
    rule is no longer used. `rule` is the name of the leading rule, and `grounds_of` is asked for what is raised.
    """
    for case in cases:
        standing = case.standing
        if standing and (why := why_cleared(case, levels, rule, now)):
            yield _alert(case, "cleared", standing, why, now, seq)
            seq += 1
            standing = None
        level = reached(case, levels, now)
        if level and (standing is None or _rank(level.name, levels) > _rank(standing.level, levels)):
            grounds = grounds_of(case)
            raised = StandingAlert(
                level.name, case.agency, case.procedure, grounds.term, now, grounds.rule, case.deadline
            )
            yield _alert(case, "raised", raised, grounds.why, now, seq)
            seq += 1


def reached(case: Case, levels: Sequence[Level], now: datetime) -> Level | None:
    """The most urgent level that the dossier has reached; None where it has reached none, or its clock stands."""
    deadline = case.deadline
    if case.ended or deadline is None:
        return None
    return next(
        (
            level
            for level in reversed(levels)
            if (deadline < case.soon if level.is_due_soon else now > deadline + level.after)
        ),
        None,
    )


def why_cleared(case: Case, levels: Sequence[Level], rule: str, now: datetime) -> str:
    """Why the standing alert of a case must be cleared; empty where it still holds."""
    standing = case.standing
    if standing is None:
        return ""
    if case.ended:
        return case.ended
    if now >= standing.at and _has_moved(case, standing):
        return "term" if case.deadline or case.sent is None else "waiting"
    if case.agency != standing.agency:
        return "agency"
    if standing.rule and not standing.rule.startswith(f"{rule} v"):
        return "rule"
    return "" if any(level.name == standing.level for level in levels) else "levels"


def _has_moved(case: Case, standing: StandingAlert) -> bool:
    """Whether the deadline is another one than that for which the alert was raised."""
    if standing.deadline is not None:
        return case.deadline != standing.deadline
    return case.deadline is None or case.sent != standing.term


def _rank(name: str, levels: Sequence[Level]) -> int:
    return next(rank for rank, level in enumerate(levels) if level.name == name)


def _alert(case: Case, state: str, about: StandingAlert, why: str, now: datetime, seq: int) -> Alert:
    return Alert(
        seq=seq,
        dossier=case.dossier,
        state="raised" if state == "raised" else "cleared",
        level=about.level,
        why=why,
        agency=about.agency,
        procedure=about.procedure,
        term=about.term,
        at=now,
        rule=about.rule,
        deadline=about.deadline,
    )
