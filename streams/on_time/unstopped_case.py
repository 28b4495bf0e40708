"""The steps of a case that nothing stopped, by all rules at once: most cases that are not plain have an extension.

`timeline` gives the same for each rule by itself, but takes ten times as long: no term moves here, so there is nothing
to compute but deadlines, and those by date are the same for three rules.
"""

from collections.abc import Iterator, Sequence

from schemas.working_time.calendar import Calendar
from schemas.working_time.timetable import Timetable
from streams.on_time.history import History
from streams.on_time.local_days import local_day
from streams.on_time.moving import deadline_of
from streams.on_time.rules import Basis, Rule
from streams.on_time.timeline import Step, distinct, end_of_clock, since_end, terms_of
from streams.on_time.verdicts import Standing, end_by_766, is_judged


def unstopped_timelines(rules: Sequence[Rule], history: History, calendar: Calendar) -> list[tuple[Step, ...]]:
    """The steps by each of these rules; none where a rule does not judge the case."""
    table, end = calendar.timetable, end_of_clock(history)
    terms = [(since, term) for since, term in terms_of(history) if since < end]
    open_steps: dict[Basis, list[Step]] = {}
    found: list[tuple[Step, ...]] = []
    for rule in rules:
        if not is_judged(rule, history):
            found.append(())
            continue
        before = open_steps.get(rule.basis)
        if before is None:
            before = open_steps[rule.basis] = [
                Step(since, "in term", None if term is None else deadline_of(term, rule.basis, table))
                for since, term in terms
            ]
        found.append(tuple(distinct([*before, *_ended(rule, history, end, table)])))
    return found


def _ended(rule: Rule, history: History, end: int, table: Timetable) -> Iterator[Step]:
    if history.outcome_at is not None:
        for at in since_end(rule, history, end):
            yield Step(at, _standing(rule, history, at, table), None)


def _standing(rule: Rule, history: History, at: int, table: Timetable) -> Standing:
    """How the case, which has ended, stands at an instant."""
    is_form = rule.name == "report form"
    if is_form and history.outcome != "resolved":
        return "on time"
    sent = history.sent(at if rule.counts_late_extensions else history.until(at))
    term = sent.term if sent else history.computed
    if term is None:
        return "on time"
    measured = end_by_766(history, at) if rule.name == "decision 766" else history.until(at)
    if is_form and local_day(measured, table) < local_day(term, table):
        return "early"
    return "on time" if measured <= deadline_of(term, rule.basis, table) else "late"
