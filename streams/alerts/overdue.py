"""Which dossiers are or will soon be late, as facts and time say: pure, one dossier after another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from schemas.alerts import Alert, Level


class Standing(Struct, frozen=True):
    """The alert of a dossier that was raised and not cleared."""

    level: str
    agency: str
    procedure: str
    term: datetime


class Case(Struct, frozen=True):
    """A dossier as it is counted, and the alert of it that stands.

    `ended` is its outcome, or `voided`, or `gone` where it is counted as a dossier no more; empty while it is open.
    `deadline` is the last instant that is in time: the term's by the rule of the deployment. Both instants are there
    while it has a term.
    """

    dossier: str
    agency: str
    procedure: str
    ended: str
    term: datetime | None
    deadline: datetime | None
    standing: Standing | None = None


class Look(Struct, frozen=True):
    """What a look at the dossiers found: the alerts it led to, and how many stand by level."""

    alerts: Sequence[Alert]
    standing: Mapping[str, int]


def alerts_of(cases: Iterable[Case], levels: Sequence[Level], now: datetime, seq: int) -> Iterator[Alert]:
    """What changed, numbered from `seq` on: the same cases and `now` always give the same alerts.

    Of the levels, the least urgent first, a dossier gets the most urgent one it has come to and no other, so one that
    is long overdue when it is first seen is not announced four times. What stands is never taken back because the clock
    was, and ends where the dossier did, where its term or agency changed, or where the level is not used any more.
    """
    for case in cases:
        for state, why, held in _changes(case, {level.name: level for level in levels}, now):
            yield Alert(
                seq=seq,
                dossier=case.dossier,
                state="raised" if state else "cleared",
                level=held.level,
                why=why,
                agency=held.agency,
                procedure=held.procedure,
                term=held.term,
                at=now,
            )
            seq += 1


def _changes(case: Case, levels: dict[str, Level], now: datetime) -> Iterator[tuple[bool, str, Standing]]:
    standing = case.standing
    if standing and (why := _over(case, standing, levels)):
        yield False, why, standing
        standing = None
    if case.ended or case.term is None or case.deadline is None:
        return
    reached = [level for level in levels.values() if now > case.deadline + level.after]
    if reached and (standing is None or reached[-1].after > levels[standing.level].after):
        yield True, "", Standing(reached[-1].name, case.agency, case.procedure, case.term)


def _over(case: Case, standing: Standing, levels: dict[str, Level]) -> str:
    """Why the alert that stands holds no more; empty where it does."""
    if case.ended:
        return case.ended
    if case.term != standing.term:
        return "term"
    if case.agency != standing.agency:
        return "agency"
    return "" if standing.level in levels else "levels"
