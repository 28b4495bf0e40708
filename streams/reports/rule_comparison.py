"""Two ways of judging the same dossiers, side by side: the figures of each agency, and the dossiers that change sides.

It is pure. The dossiers come one after the other, and only figures and a limited number of dossiers are kept.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from streams.counting.judged_case import JudgedCase, StoredCase, judged_case
from streams.on_time.period import InPeriod
from streams.on_time.rules import Rule
from streams.on_time.ruling import Ruling
from streams.on_time.verdicts import Standing, Verdict
from streams.reports.stored_cases import Period


class Side(Struct, frozen=True):
    """One way of judging: what decides terms, and which version of which rule judges a case."""

    name: str
    ruling: Ruling
    version_of: Callable[[JudgedCase], Rule]


class RuleFigures(Struct):
    """Dossiers of a period by how they stood at its end."""

    received: int = 0
    carried_over: int = 0
    early: int = 0
    on_time: int = 0
    late: int = 0
    in_term: int = 0
    overdue: int = 0

    def add(self, found: InPeriod) -> None:
        """Count a dossier."""
        if found.carried_over:
            self.carried_over += 1
        else:
            self.received += 1
        name = found.verdict.standing.replace(" ", "_")
        setattr(self, name, getattr(self, name) + 1)

    @property
    def rate(self) -> float | None:
        """The share that is neither late nor overdue; None without a dossier."""
        whole = self.received + self.carried_over
        return (whole - self.late - self.overdue) / whole if whole else None


class Judged(Struct, frozen=True):
    """How a dossier stands by one side, and why; instants are microseconds since 1970."""

    rule: str
    standing: Standing
    reason: str
    term: int | None
    deadline: int | None


class Change(Struct, frozen=True):
    """A dossier that is good by one side, and late or overdue by the other."""

    dossier: str
    agency: str
    procedure: str
    one: Judged
    other: Judged


class Comparison(Struct):
    """The figures of each agency by both sides, and the dossiers that change sides.

    `worse` is how many are late or overdue by the second side alone, `better` by the first one alone; `changes` are the
    first of them.
    """

    agencies: dict[str, tuple[RuleFigures, RuleFigures]]
    worse: int = 0
    better: int = 0
    changes: list[Change] = []


def compare(
    cases: Iterable[StoredCase],
    one: Side,
    other: Side,
    period: Period,
    most: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Judge each case by both sides as of the end of the period; keep at most so many that change sides.

    `on_progress` is told after each case how many are done; it may raise to stop.
    """
    compared = Comparison({})
    for done, case in enumerate(cases, 1):
        before = judged_case(case, one.ruling)
        after = before if other.ruling is one.ruling else judged_case(case, other.ruling)
        if before and after:
            _add(compared, one, other, before, after, period, most)
        on_progress(done)
    return compared


def _add(
    compared: Comparison, one: Side, other: Side, before: JudgedCase, after: JudgedCase, period: Period, most: int
) -> None:
    was = before.in_period(one.version_of(before), period.start, period.end)
    will = after.in_period(other.version_of(after), period.start, period.end)
    if was is None or will is None:
        return
    stored = before.stored
    figures = compared.agencies.setdefault(stored.agency, (RuleFigures(), RuleFigures()))
    figures[0].add(was)
    figures[1].add(will)
    if was.verdict.is_good == will.verdict.is_good:
        return
    if was.verdict.is_good:
        compared.worse += 1
    else:
        compared.better += 1
    if len(compared.changes) < most:
        compared.changes.append(
            Change(stored.dossier, stored.agency, stored.procedure, _judged(was.verdict), _judged(will.verdict))
        )


def _judged(verdict: Verdict) -> Judged:
    return Judged(
        f"{verdict.rule.name} v{verdict.rule.version}",
        verdict.standing,
        verdict.reason,
        verdict.term,
        verdict.deadline,
    )
