"""The rule of alerts: which dossiers are late or soon will be, by their facts and the time. It is pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from schemas.alerts import Alert, Level


class StandingAlert(Struct, frozen=True):
    """An alert of a dossier that was raised and not cleared."""

    level: str
    agency: str
    procedure: str
    term: datetime


class Case(Struct, frozen=True):
    """A dossier as it is counted, and its standing alert.

    `ended` is its outcome, or `voided`, or `gone` where it is no longer counted as a dossier; empty while it is open.
    `deadline` is the last instant that is in time, by the term rule of the deployment. Both instants are None without a
    term.
    """

    dossier: str
    agency: str
    procedure: str
    ended: str
    term: datetime | None
    deadline: datetime | None
    standing: StandingAlert | None = None


class Scan(Struct, frozen=True):
    """What a scan of the dossiers led to: the new alerts, and how many alerts stand by level."""

    alerts: Sequence[Alert]
    standing: Mapping[str, int]


def alerts_of(cases: Iterable[Case], levels: Sequence[Level], now: datetime, seq: int) -> Iterator[Alert]:
    """The alerts that are due, numbered from `seq` on: the same cases and `now` always give the same alerts.

    A dossier gets only the most urgent level that it has reached, so one that is long overdue at its first scan is
    announced once. `levels` are ordered from the least urgent. A standing alert is never cleared because the clock was
    set back; it is cleared where the dossier ended, its term or agency changed, or its level is no longer used.
    """
    for case in cases:
        for is_raised, why, alert in _changes(case, {level.name: level for level in levels}, now):
            yield Alert(
                seq=seq,
                dossier=case.dossier,
                state="raised" if is_raised else "cleared",
                level=alert.level,
                why=why,
                agency=alert.agency,
                procedure=alert.procedure,
                term=alert.term,
                at=now,
            )
            seq += 1


def _changes(case: Case, levels: dict[str, Level], now: datetime) -> Iterator[tuple[bool, str, StandingAlert]]:
    standing = case.standing
    if standing and (why := _why_cleared(case, standing, levels)):
        yield False, why, standing
        standing = None
    if case.ended or case.term is None or case.deadline is None:
        return
    reached = [level for level in levels.values() if now > case.deadline + level.after]
    if reached and (standing is None or reached[-1].after > levels[standing.level].after):
        yield True, "", StandingAlert(reached[-1].name, case.agency, case.procedure, case.term)


def _why_cleared(case: Case, standing: StandingAlert, levels: dict[str, Level]) -> str:
    """Why a standing alert must be cleared; empty where it still holds."""
    if case.ended:
        return case.ended
    if case.term != standing.term:
        return "term"
    if case.agency != standing.agency:
        return "agency"
    return "" if standing.level in levels else "levels"
