"""Whether a case is on time, by the four rules, at any instant: with a stopwatch.

The product joins stops into intervals, moves a term, and compares. This cuts the life of a case at everything that
happened, and goes from one piece to the next: the clock runs, or it stands and what it had left is kept.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, TypeAlias

from msgspec import Struct

from chaos.oracle.event_content import micros
from chaos.oracle.replay import State
from chaos.oracle.working_days import WorkingDays

RuleName: TypeAlias = Literal["instant", "date", "decision 766", "report form"]
Stop: TypeAlias = tuple[str, int, int | None]
"""(what the case waits for, since when, until when; None while it does)."""

_PAIRS = (("supplement_requested", "supplement_answered"), ("obligation_set", "obligation_met"), ("paused", "resumed"))


class Promised(Struct, frozen=True):
    """What a procedure promises."""

    amount: int
    unit: str
    same_day: bool = False


def standing(rule: RuleName, state: State, at: int, promise: Promised | None, days: WorkingDays) -> str | None:
    """How a case stands by a rule, as it was at an instant; None where the rule says nothing."""
    case = _Case(state, at, promise, days)
    feedback = state.reception.get("case_kind") == "feedback"
    if not state.reception or state.voided or case.received > at:
        return None
    if rule in ("instant", "date"):
        return case.words(case.in_time(by_date=rule == "date"))
    if feedback:
        return None
    return case.by_766() if rule == "decision 766" else case.by_form()


class _Case:
    """A case as it was at an instant."""

    def __init__(self, state: State, at: int, promise: Promised | None, days: WorkingDays) -> None:
        self.state, self.at, self.promise, self.days = state, at, promise, days
        self.received = micros(state.reception["received_at"]) if state.reception else 0
        self.ended = state.outcome_at is not None and state.outcome_at <= at
        self.end = state.outcome_at if self.ended and state.outcome_at is not None else at
        self.unit = promise.unit if promise else "working days"
        self.stops = list(self._stops())

    def words(self, good: bool) -> str:
        """In time or not, as it is called of an open case and of one that has ended."""
        return ("on time" if good else "late") if self.ended else ("in term" if good else "overdue")

    def in_time(self, by_date: bool) -> bool:
        """Whether the end, or the instant asked about, is within the term, with all stops."""
        term = self.term(by_date)
        return term is None or self.passes(term, self.end, by_date)

    def passes(self, term: int, at: int, by_date: bool) -> bool:
        """Whether an instant is in time."""
        return self.days.local(at) <= self.days.local(term) if by_date else at <= term

    def term(self, by_date: bool) -> int | None:
        """The term that holds at the end, after the stops since it was sent."""
        sent, since = self.sent(self.end)
        term = self.maximum() if sent is None else sent
        if term is None:
            return None
        return self.stopwatch(term, self.received if since is None else since, self.stops, by_date)

    def maximum(self) -> int | None:
        """What the procedure promises."""
        promise = self.promise
        if promise is None:
            return None
        return self.days.due(self.received, promise.amount, promise.unit, promise.same_day)

    def sent(self, by: int) -> tuple[int | None, int | None]:
        """The last term that the source had sent by an instant, and when it was set."""
        terms = [(0, self.state.appointment)] if self.state.appointment else []
        terms += list(self.state.numbered["extended"].items())
        visible = [(number, event) for number, event in terms if micros(event.occurred_at) <= by]
        if not visible:
            return None, None
        event = max(visible, key=lambda pair: pair[0])[1]
        return micros(event.term), micros(event.occurred_at)

    def stopwatch(self, term: int, since: int, stops: list[Stop], by_date: bool) -> int:
        """The term after stops, from an instant to the end: where the clock stands, what is left stays left."""
        if since >= self.end:
            return term
        cuts = sorted({since, self.end} | {cut for _, *ends in stops for cut in ends if cut and since < cut < self.end})
        began: int | None = None
        for here, there in pairwise(cuts):
            if not any(start <= here and (end is None or end >= there) for _, start, end in stops):
                continue
            if began is None:
                began = here
                if not self.passes(term, here, by_date):
                    return term  # passed already: no stop can help
            if there == self.end or not any(s <= there and (e is None or e > there) for _, s, e in stops):
                term, began = self.resumed(term, began, there, by_date), None
        return term

    def resumed(self, term: int, began: int, resumes: int, by_date: bool) -> int:
        """The term when a clock that stood from one instant to another runs again."""
        days, unit = self.days, self.unit
        if unit in ("days", "months"):
            gone = days.local(resumes) - days.local(began)
            later = days.close(days.local(term) + gone) if gone else term
        elif days.amount(began, resumes, unit) == 0:
            later = term
        else:
            work = days.on(days.local(term))
            if by_date and work and term < work[0][0]:
                term = work[-1][1]
            left = days.amount(began, term, unit) if began <= term else None
            if left:
                later = days.spent(resumes, left, unit)
            else:
                later = days.spent(term, days.amount(began, resumes, unit), unit)
        return later if later >= resumes else days.first(resumes)

    def by_form(self) -> str:
        """By the columns of the form."""
        if not self.ended:
            waits = any(
                what == "supplement_requested" and start <= self.at and (end is None or end > self.at)
                for what, start, end in self.stops
            )
            return "on time" if waits else self.words(self.in_time(by_date=True))
        if self.state.outcome != "resolved":
            return "on time"
        term = self.term(by_date=True)
        if term is not None and self.days.local(self.end) < self.days.local(term):
            return "early"
        return self.words(self.in_time(by_date=True))

    def by_766(self) -> str:
        """By the portal: supplements are taken off the end, and the second request is one too many."""
        end, finished = self.end, self.ended and self.state.outcome == "resolved"
        returned = self.state.returned_at
        if self.ended and not finished and returned is not None and end < returned <= self.at:
            end, finished = returned, True
        asked = [stop for stop in self.stops if stop[0] == "supplement_requested" and stop[1] <= self.end]
        if len(asked) > 1:
            return self.words(False)
        answered = [stop for stop in asked if stop[2] is not None and stop[2] <= end]
        if asked and not answered and not finished:
            return self.words(self._in_time_by_766(asked[0][1], []))
        return self.words(self._in_time_by_766(end, answered))

    def _in_time_by_766(self, end: int, answered: list[Stop]) -> bool:
        sent, _ = self.sent(self.at)
        if sent is not None:
            off = sum(max((stop or 0) - start, 0) for _, start, stop in answered)
            return self.passes(sent, end - off, by_date=True)
        maximum = self.maximum()
        if maximum is None:
            return True
        self.end = max(self.end, end)
        return self.passes(self.stopwatch(maximum, self.received, answered, by_date=True), end, by_date=True)

    def _stops(self) -> Iterator[Stop]:
        """What had begun by the instant; what began before the reception, and did not end after it, was no stop."""
        for begins, ends in _PAIRS:
            over = self.state.numbered[ends]
            for number, event in self.state.numbered[begins].items():
                start = micros(event.occurred_at)
                end = micros(over[number].occurred_at) if number in over else None
                if start < self.received:
                    if end is None or end <= self.received:
                        continue
                    start = self.received
                if start <= self.at:
                    yield begins, start, end
