"""The steps of a case by all rules at once, as counting needs them: `timeline` gives the same for each rule by itself.

Rules have most of their work in common: how stops move a term does not depend on what a rule calls the result. What is
rare is left to `timeline`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.working_time.calendar import Calendar
from schemas.working_time.timetable import Timetable
from streams.on_time.clock_stops import Stop, stopped
from streams.on_time.history import History
from streams.on_time.local_days import local_day
from streams.on_time.moving import deadline_of, moved
from streams.on_time.rules import Rule
from streams.on_time.timeline import Step, distinct, end_of_clock, since_end, terms_of, timeline, waiting
from streams.on_time.verdicts import Standing, end_by_766, is_judged


def timelines(rules: Sequence[Rule], history: History, calendar: Calendar) -> list[Sequence[Step]]:
    """The steps by each of these rules; none where a rule does not judge the case."""
    table, end = calendar.timetable, end_of_clock(history)
    supplements = [stop for stop in history.stops if stop.kind == "supplement"] if history.stops else []
    terms = [(since, term) for since, term in terms_of(history) if since < end]
    opens: dict[object, _Open] = {}
    found: list[Sequence[Step]] = []
    for rule in rules:
        if not is_judged(rule, history):
            found.append(())
            continue
        by_766 = rule.name == "decision 766"
        if history.stops and not _is_usual(rule, history, supplements):
            found.append(timeline(rule, history, calendar))
            continue
        if by_766 and supplements:
            found.append(distinct(_with_a_supplement(rule, history, supplements[0], table)))
            continue
        moved_by = () if by_766 else rule.moved_by
        key = rule.basis, moved_by
        if key not in opens:
            opens[key] = _open(rule, history, terms, end, table, moved_by)
        steps, term = opens[key]
        if supplements and rule.name == "report form":
            steps = list(waiting(steps, history, end))
        if history.outcome_at is not None:
            if history.stops and not by_766:
                ended = [Step(end, _standing(rule, history, end, term, table), None)]
            else:
                ended = [
                    Step(at, _standing(rule, history, at, _sent(rule, history, at), table), None)
                    for at in since_end(rule, history, end)
                ]
            steps = [*steps, *ended]
        found.append(distinct(steps))
    return found


class _Open(NamedTuple):
    """The steps up to the end, and the term that the end is held against."""

    steps: list[Step]
    term: int | None


def _is_usual(rule: Rule, history: History, supplements: Sequence[Stop]) -> bool:
    """Whether a case that was stopped is judged here."""
    if history.outcome_at is not None and history.outcome_at <= history.received_at:
        return False
    if rule.name != "decision 766":
        return not rule.counts_late_extensions
    if not supplements:
        return True
    appointed = history.appointment
    return (
        len(supplements) == 1
        and rule.late_from_supplement != 1
        and not history.extensions
        and appointed is not None
        and appointed.at <= history.received_at
        and history.outcome in ("", "resolved")
    )


def _open(
    rule: Rule,
    history: History,
    terms: Sequence[tuple[int, int | None]],
    end: int,
    table: Timetable,
    moved_by: Sequence[str],
) -> _Open:
    """As `timeline` goes through terms and stops."""
    steps, basis = [], rule.basis
    term: int | None = None
    for place, (since, term) in enumerate(terms, 1):
        until = terms[place][0] if place < len(terms) else end
        if term is None:
            steps.append(Step(since, "in term", None))
            continue
        deadline = deadline_of(term, basis, table)
        steps.append(Step(since, "in term", deadline))
        for start, stop in stopped(history.stops, since, until, moved_by) if history.stops and moved_by else ():
            if start > deadline:
                break
            steps.append(Step(start, "in term", None))
            if stop < until or until == history.outcome_at:
                term = moved(term, [(start, stop)], history.unit, basis, table)
                deadline = deadline_of(term, basis, table)
            if stop < until:
                steps.append(Step(stop, "in term", deadline))
    return _Open(steps, term)


def _sent(rule: Rule, history: History, at: int) -> int | None:
    """The term that holds of a case at an instant after its end, if nothing moves it."""
    sent = history.sent(at if rule.counts_late_extensions else history.until(at))
    return sent.term if sent else history.computed


def _standing(rule: Rule, history: History, at: int, term: int | None, table: Timetable) -> Standing:
    """How the case, which has ended, stands at an instant by its term."""
    is_form = rule.name == "report form"
    if term is None or (is_form and history.outcome != "resolved"):
        return "on time"
    measured = end_by_766(history, at) if rule.name == "decision 766" else history.until(at)
    if is_form and local_day(measured, table) < local_day(term, table):
        return "early"
    return "on time" if measured <= deadline_of(term, rule.basis, table) else "late"


def _with_a_supplement(rule: Rule, history: History, stop: Stop, table: Timetable) -> list[Step]:
    """By Decision 766, where one supplement was asked for: what it took is added to an appointment that was sent."""
    assert history.appointment is not None  # noqa: S101
    received, ended, (start, answered) = history.received_at, history.outcome_at, (stop.start, stop.end)
    deadline = deadline_of(history.appointment.term, rule.basis, table)
    later = deadline if answered is None else deadline + max(answered - start, 0)
    steps = [Step(received, "in term", deadline) if received <= deadline else Step(received, "overdue", None)]
    if ended is None or start < ended:
        steps.append(Step(start, "in term" if start <= deadline else "overdue", None))
    if answered is not None and (ended is None or answered < ended):
        steps.append(Step(answered, "in term", later) if answered <= later else Step(answered, "overdue", None))
    if ended is not None:
        counts = answered is not None and answered <= ended and start <= ended
        steps.append(Step(ended, "on time" if ended <= (later if counts else deadline) else "late", None))
    return steps
