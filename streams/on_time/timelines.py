"""The steps of a case by all rules at once, as counting needs them: `timeline` gives the same for each rule by itself.

Rules have most of their work in common: how stops move a term does not depend on what a rule calls the result. What is
rare is left to `timeline`.
"""

from collections.abc import Iterator, Sequence

from schemas.working_time.calendar import Calendar
from schemas.working_time.timetable import Timetable
from streams.on_time.clock_stops import Stop, StopKind, stopped
from streams.on_time.history import History
from streams.on_time.local_days import last_moment, local_day
from streams.on_time.moving import moved
from streams.on_time.rules import Basis, Rule
from streams.on_time.timeline import Step, distinct, end_of_clock, since_end, terms_of, timeline, waiting
from streams.on_time.usual_timelines import usual_timelines
from streams.on_time.verdicts import Standing, end_by_766, is_judged


def timelines(rules: Sequence[Rule], history: History, calendar: Calendar) -> list[Sequence[Step]]:
    """The steps by each of these rules; none where a rule does not judge the case."""
    if (usual := usual_timelines(rules, history, calendar.timetable)) is not None:
        return usual
    end = end_of_clock(history)
    supplements = [stop for stop in history.stops if stop.kind == "supplement"] if history.stops else []
    terms = [(since, term) for since, term in terms_of(history) if since < end]
    deadlines = _Deadlines(calendar.timetable)
    opens: dict[object, tuple[list[Step], int | None]] = {}
    found: list[Sequence[Step]] = []
    for rule in rules:
        by_766 = rule.name == "decision 766"
        if not is_judged(rule, history):
            found.append(())
        elif history.stops and not _is_usual(rule, history, supplements):
            found.append(timeline(rule, history, calendar))
        elif by_766 and supplements:
            found.append(distinct(_with_a_supplement(rule, history, supplements[0], deadlines)))
        else:
            moved_by = () if by_766 else rule.moved_by
            key = rule.basis, moved_by
            if key not in opens:
                opens[key] = _open(rule, history, terms, end, deadlines, moved_by)
            steps, term = opens[key]
            if supplements and rule.name == "report form":
                steps = list(waiting(steps, history, end))
            if history.outcome_at is not None:
                if moved_by and history.stops:
                    steps = [*steps, Step(end, _standing(rule, history, end, term, deadlines), None)]
                else:
                    steps = [*steps, *_ended(rule, history, end, deadlines)]
            found.append(distinct(steps))
    return found


class _Deadlines:
    """Deadlines and local days of the few terms of a case, each computed once for all rules."""

    def __init__(self, table: Timetable) -> None:
        self.table = table
        self._by_date: dict[int, tuple[int, int]] = {}

    def of(self, term: int, basis: Basis) -> int:
        """The last instant in time."""
        return term if basis == "instant" else self._dated(term)[1]

    def day(self, term: int) -> int:
        """The local day."""
        return self._dated(term)[0]

    def _dated(self, term: int) -> tuple[int, int]:
        found = self._by_date.get(term)
        if found is None:
            day = local_day(term, self.table)
            found = self._by_date[term] = day, last_moment(day, self.table)
        return found


def _is_usual(rule: Rule, history: History, supplements: Sequence[Stop]) -> bool:
    """Whether a case that was stopped is judged here."""
    if history.outcome_at is not None and history.outcome_at <= history.received_at:
        return False
    if any(extension.appointment.at == history.outcome_at for extension in history.extensions):
        return False  # it gives the term that the end is held against, though it held at no instant before
    if history.appointment is not None and history.appointment.at == history.outcome_at:
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
    deadlines: _Deadlines,
    moved_by: Sequence[StopKind],
) -> tuple[list[Step], int | None]:
    """The steps up to the end, as `timeline` goes through terms and stops; and the term that is held against it."""
    steps: list[Step] = []
    basis, term = rule.basis, None
    for place, (since, term) in enumerate(terms, 1):
        if term is None:
            steps.append(Step(since, "in term", None))
            continue
        deadline = deadlines.of(term, basis)
        steps.append(Step(since, "in term", deadline))
        if not history.stops or not moved_by:
            continue
        until = terms[place][0] if place < len(terms) else end
        for start, stop in stopped(history.stops, since, until, moved_by):
            if start > deadline:
                break
            steps.append(Step(start, "in term", None))
            if stop < until or until == history.outcome_at:
                term = moved(term, [(start, stop)], history.unit, basis, deadlines.table)
                deadline = deadlines.of(term, basis)
            if stop < until:
                steps.append(Step(stop, "in term", deadline))
    return steps, term


def _ended(rule: Rule, history: History, end: int, deadlines: _Deadlines) -> Iterator[Step]:
    """The end, and what is known only later, where nothing moves the term."""
    for at in since_end(rule, history, end) if _may_change_later(rule, history, end) else (end,):
        sent = history.sent(at if rule.counts_late_extensions else history.until(at))
        term = sent.term if sent else history.computed
        yield Step(at, _standing(rule, history, at, term, deadlines), None)


def _may_change_later(rule: Rule, history: History, end: int) -> bool:
    if rule.name == "decision 766" and history.outcome != "resolved":
        return True
    sent = history.extensions[-1].appointment if len(history.extensions) == 1 else history.appointment
    return rule.counts_late_extensions and (len(history.extensions) > 1 or (sent is not None and sent.at > end))


def _standing(rule: Rule, history: History, at: int, term: int | None, deadlines: _Deadlines) -> Standing:
    """How the case, which has ended, stands at an instant by its term."""
    is_form = rule.name == "report form"
    if term is None or (is_form and history.outcome != "resolved"):
        return "on time"
    measured = end_by_766(history, at) if rule.name == "decision 766" else history.until(at)
    if is_form and local_day(measured, deadlines.table) < deadlines.day(term):
        return "early"
    return "on time" if measured <= deadlines.of(term, rule.basis) else "late"


def _with_a_supplement(rule: Rule, history: History, stop: Stop, deadlines: _Deadlines) -> list[Step]:
    """By Decision 766, where one supplement was asked for: what it took is added to an appointment that was sent."""
    assert history.appointment is not None  # noqa: S101
    received, ended, (start, answered) = history.received_at, history.outcome_at, (stop.start, stop.end)
    deadline = deadlines.of(history.appointment.term, rule.basis)
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
