"""What is notable about the terms of dossiers: counted by agency, with the first dossiers. It is pure."""

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import Struct

from schemas.rule_names import RuleName
from streams.counting.judged_case import StoredCase, judged_case
from streams.on_time.notable import Fact, notable_at
from streams.on_time.ruling import Ruling
from streams.reports.stored_cases import Period


class NotableCase(Struct, frozen=True):
    """A dossier with what is notable about its term."""

    dossier: str
    agency: str
    procedure: str
    facts: tuple[Fact, ...]


class Notables(Struct):
    """How many dossiers have each fact, by agency; and the first of these dossiers."""

    counts: dict[str, Counter[Fact]]
    total: int = 0
    cases: list[NotableCase] = []


def notables(
    cases: Iterable[StoredCase],
    ruling: Ruling,
    rule: RuleName,
    period: Period,
    most: int,
    only: Fact | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Notables:
    """What is notable about these cases by a rule, of what had happened by the end of the period.

    `only` asks for one fact. `on_progress` is told after each case how many are done; it may raise to stop.
    """
    found = Notables({})
    for done, stored in enumerate(cases, 1):
        case = judged_case(stored, ruling)
        if case is not None:
            facts = notable_at(case.history, period.end - 1, case.rule(rule), case.calendar)
            if only is not None:
                facts = tuple(fact for fact in facts if fact == only)
            if facts:
                found.counts.setdefault(stored.agency, Counter()).update(facts)
                found.total += 1
                if len(found.cases) < most:
                    found.cases.append(NotableCase(stored.dossier, stored.agency, stored.procedure, facts))
        on_progress(done)
    return found
