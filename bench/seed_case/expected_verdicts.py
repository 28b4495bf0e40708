"""What the verdicts of the rules with stops count in the seed case, from its lives."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.seed_case.case_lives import OPEN, OUTCOMES, RESOLVED, Flags, Lives, Whole
from schemas.working_time.built_in import built_in_calendar
from streams.on_time.clock_stops import Stop
from streams.on_time.history import Appointment, Extension, History
from streams.on_time.rules import RULES
from streams.on_time.verdicts import judge

_UTC_PLUS_7 = 7 * 3600
_SECOND = 1_000_000
_AFTER_ALL = 1 << 62
_EARLY, _ON_TIME, _LATE = range(3)
_Verdicts: TypeAlias = NDArray[np.int8]


def verdicts(some: Lives) -> Iterator[tuple[str, Whole, Flags]]:
    """Each counter of verdicts, when it counts, and which cases it counts."""
    ended, resolved, has_ended = some.ended_at, some.outcome == RESOLVED, (some.outcome != OPEN) & ~some.void
    by_instant, by_date, by_766, by_form = _finally(some)
    yield "resolved_on_time_by_instant", ended, resolved & (by_instant == _ON_TIME)
    yield "resolved_on_time_by_date", ended, resolved & (by_date == _ON_TIME)
    yield "judged_by_766", ended, has_ended
    yield "on_time_by_766", ended, has_ended & (by_766 == _ON_TIME)
    yield "form_early", ended, has_ended & (by_form == _EARLY)
    yield "form_on_time", ended, has_ended & (by_form == _ON_TIME)


def _finally(some: Lives) -> list[_Verdicts]:
    """How each case stands by each rule after everything; of open ones it means nothing.

    Where nobody asked for a supplement, no term moves: ends are compared with terms. All others, one in thirty, are
    judged one by one by the rules, whose own tests prove them.
    """
    resolved, ended = some.outcome == RESOLVED, some.ended_at
    held = np.where(some.extended_at > ended, some.term_original, some.term)
    handed_over = np.where(resolved, ended, np.maximum(ended, some.returned_at))
    by_date = np.where(_day(ended) <= _day(held), _ON_TIME, _LATE).astype(np.int8)
    found = [
        np.where(ended <= held, _ON_TIME, _LATE).astype(np.int8),
        by_date,
        np.where(_day(handed_over) <= _day(some.term), _ON_TIME, _LATE).astype(np.int8),
        np.where(resolved, np.where(_day(ended) < _day(held), _EARLY, by_date), _ON_TIME).astype(np.int8),
    ]
    for case in np.flatnonzero((some.supplement_at > 0) & (some.outcome != OPEN) & ~some.void).tolist():
        history = _history(some, case)
        for rule, of_rule in zip(RULES, found, strict=True):
            verdict = judge(rule, history, _AFTER_ALL, built_in_calendar())
            of_rule[case] = ("early", "on time", "late").index(verdict.standing if verdict else "")
    return found


def _history(some: Lives, case: int) -> History:
    def at(column: Whole) -> int | None:
        return int(column[case]) * _SECOND or None

    received, term, original, extended = (
        int(column[case]) * _SECOND for column in (some.received_at, some.term, some.term_original, some.extended_at)
    )
    asked = int(some.supplement_at[case]) * _SECOND
    return History(
        received_at=received,
        appointment=Appointment(original, received),
        extensions=(Extension(Appointment(term, extended), True),) if extended else (),
        stops=(Stop("supplement", asked, at(some.answered_at)),),
        outcome=OUTCOMES[some.outcome[case]],  # type: ignore[arg-type]  # outcomes of dossiers
        outcome_at=at(some.ended_at),
        returned_at=at(some.returned_at),
    )


def _day(at: Whole) -> Whole:
    return (at + _UTC_PLUS_7) // 86_400
