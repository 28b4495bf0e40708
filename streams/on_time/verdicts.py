"""The verdict of a rule on a case at any instant: a pure function of its history.

One principle holds for all rules but the special cases that they name: a case that is open at an instant is overdue
exactly if it would be late were it to end at that instant.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from schemas.rule_names import RuleName
from schemas.working_time.calendar import Calendar
from streams.on_time.clock_stops import Interval, elapsed, stopped
from streams.on_time.history import History
from streams.on_time.local_days import local_day
from streams.on_time.moving import deadline_of, moved
from streams.on_time.rules import Rule
from streams.on_time.term import term_at

Standing: TypeAlias = Literal["early", "on time", "late", "in term", "overdue"]
"""Of an ended case the first three; of an open one the last two, or `on time` where the rule counts it as resolved."""
Reason: TypeAlias = Literal[
    "compared",
    "no term",
    "unanswered supplement",
    "repeated supplement",
    "waiting for supplements",
    "given back or withdrawn",
]
"""`compared` with the deadline; without a term there is nothing to compare; the others are special cases of a rule."""


class Verdict(Struct, frozen=True):
    """How a case stands by one version of a rule.

    `term` is the term that it is held against, and `deadline` the last instant at which an end would be in time; both
    are None without a term. `measured_at` is the instant that is compared: the end, or while open the instant asked
    about, unless the rule takes another one. While `is_stopped`, the deadline moves along with time.
    """

    rule: Rule
    standing: Standing
    reason: Reason
    measured_at: int
    term: int | None
    deadline: int | None
    is_stopped: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it is neither late nor overdue: what the rates of being on time count."""
        return self.standing not in ("late", "overdue")

    @property
    def overdue_after(self) -> int | None:
        """The last instant at which it is still in term if nothing happens; None where time alone changes nothing."""
        return self.deadline if self.standing == "in term" and not self.is_stopped else None


def judge(rule: Rule, history: History, at: int, calendar: Calendar) -> Verdict | None:
    """The verdict on the case as it was at this instant; None where it was not received yet, or is never judged."""
    if history.received_at > at or not is_judged(rule, history):
        return None
    return _RULES[rule.name](rule, history, at, calendar)


def is_judged(rule: Rule, history: History) -> bool:
    """Whether the rule says anything on the case: the two rules of reports on dossiers do not judge a feedback."""
    return not history.is_feedback or rule.name in ("instant", "date")


def _by_term(rule: Rule, history: History, at: int, calendar: Calendar) -> Verdict:
    """Held against the current term."""
    term = term_at(history, at, rule, calendar)
    ended, measured = history.has_ended(at), history.until(at)
    standing = _standing(ended, measured, term.deadline)
    reason: Reason = "no term" if term.deadline is None else "compared"
    return Verdict(rule, standing, reason, measured, term.current, term.deadline, term.is_stopped and not ended)


def _by_report_form(rule: Rule, history: History, at: int, calendar: Calendar) -> Verdict:
    """Early, on time or late; a dossier that waits for supplements, was given back or withdrawn is on time."""
    held, table = _by_term(rule, history, at, calendar), calendar.timetable
    if history.has_ended(at):
        if history.outcome != "resolved":
            return structs.replace(held, standing="on time", reason="given back or withdrawn")
        if held.term is not None and local_day(held.measured_at, table) < local_day(held.term, table):
            return structs.replace(held, standing="early")
    elif any(stop.kind == "supplement" and stop.is_open(at) for stop in history.stops):
        return structs.replace(held, standing="on time", reason="waiting for supplements")
    return held


def _by_766(rule: Rule, history: History, at: int, calendar: Calendar) -> Verdict:
    """As the portal computes it: end less supplements against the appointment sent, or else the procedure's maximum."""
    ended = history.has_ended(at)
    measured = end_by_766(history, at) if ended else at
    requests = [stop for stop in history.stops if stop.kind == "supplement" and stop.start <= history.until(at)]
    if rule.late_from_supplement and len(requests) >= rule.late_from_supplement:
        term, deadline = _deadline_by_766(rule, history, at, [], calendar)
        return Verdict(rule, "late" if ended else "overdue", "repeated supplement", measured, term, deadline)
    answered = [stop for stop in requests if stop.end is not None and stop.end <= measured]
    term, deadline = _deadline_by_766(rule, history, at, stopped(answered, history.received_at, measured), calendar)
    unanswered = [stop.start for stop in requests if stop.end is None or stop.end > measured]
    if unanswered and not _is_finished(history, at):
        measured = min(unanswered)
        standing = _standing(ended, measured, deadline)
        return Verdict(rule, standing, "unanswered supplement", measured, term, deadline, is_stopped=not ended)
    reason: Reason = "no term" if deadline is None else "compared"
    return Verdict(rule, _standing(ended, measured, deadline), reason, measured, term, deadline)


def _deadline_by_766(
    rule: Rule, history: History, at: int, supplements: list[Interval], calendar: Calendar
) -> tuple[int | None, int | None]:
    """The term, and the last instant in time: to add supplements here is the same as to take them off the end."""
    table = calendar.timetable
    if (sent := history.sent(at)) is not None:
        return sent.term, deadline_of(sent.term, rule.basis, table) + elapsed(supplements)
    if history.computed is None:
        return None, None
    term = moved(history.computed, supplements, history.unit, rule.basis, table)
    return term, deadline_of(term, rule.basis, table)


def end_by_766(history: History, at: int) -> int:
    """Status 9; else 10, where something was handed over later; else 8, 3 or 7."""
    end = history.until(at)
    if history.outcome != "resolved" and history.returned_at is not None and end < history.returned_at <= at:
        return history.returned_at
    return end


def _is_finished(history: History, at: int) -> bool:
    """Whether it ended by status 9 or 10: processing went on, although supplements are not on record."""
    return history.has_ended(at) and (history.outcome == "resolved" or end_by_766(history, at) != history.outcome_at)


def _standing(ended: bool, measured: int, deadline: int | None) -> Standing:
    if deadline is None or measured <= deadline:
        return "on time" if ended else "in term"
    return "late" if ended else "overdue"


_RULES: dict[RuleName, Callable[[Rule, History, int, Calendar], Verdict]] = {
    "instant": _by_term,
    "date": _by_term,
    "decision 766": _by_766,
    "report form": _by_report_form,
}
