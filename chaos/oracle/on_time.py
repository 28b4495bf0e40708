"""Whether a case is on time, by the four rules, at any instant: with a stopwatch.

The product joins stops into intervals, moves a term, and compares. This cuts the life of a case at everything that
happened, and goes from one piece to the next: the clock runs, or it stands and what it had left is kept.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

from msgspec import Struct

from chaos.oracle.event_content import micros
from chaos.oracle.replay import State
from chaos.oracle.working_days import NoSuchDay, WorkingDays

RuleName: TypeAlias = Literal["instant", "date", "decision 766", "report form"]
Stop: TypeAlias = tuple[str, int, int | None]
"""(what the case waits for, since when, until when; None while it does)."""

RULE_NAMES: tuple[RuleName, ...] = ("instant", "date", "decision 766", "report form")
_PAIRS = (("supplement_requested", "supplement_answered"), ("obligation_set", "obligation_met"), ("paused", "resumed"))


class Promised(Struct, frozen=True):
    """What a procedure promises."""

    amount: int
    unit: str
    same_day: bool = False


class Versions(Struct, frozen=True):
    """What the rules were on the day on which a case was received.

    `as_sent`: by instant and by date, stops move no term, and the last term sent counts whenever it was made.
    `one_too_many`: the number of the supplement request that is late by Decision 766; 0 for none.
    """

    as_sent: bool = False
    one_too_many: int = 2


def standing(
    rule: RuleName,
    state: State,
    at: int,
    promise: Promised | None,
    days: WorkingDays,
    versions: Versions = Versions(),  # noqa: B008  # it never changes
) -> str | None:
    """How a case stands by a rule, as it was at an instant; None where the rule says nothing."""
    if not state.reception or state.voided:
        return None
    case = _Case(state, at, promise, days, versions)
    if case.received > at:
        return None
    if rule in ("instant", "date"):
        return case.words(case.in_time(by_date=rule == "date"))
    if state.reception.get("case_kind") == "feedback":
        return None
    return case.by_766() if rule == "decision 766" else case.by_form()


@lru_cache(1024)
def maximum(received: int, promise: Promised | None, days: WorkingDays) -> int | None:
    """When a dossier that came in at this instant is due by what its procedure promises."""
    if promise is None:
        return None
    try:
        return days.due(received, promise.amount, promise.unit, promise.same_day)
    except NoSuchDay:
        return None


class _Case:
    """A case as it was at an instant."""

    def __init__(self, state: State, at: int, promise: Promised | None, days: WorkingDays, versions: Versions) -> None:
        self.state, self.at, self.promise, self.days, self.versions = state, at, promise, days, versions
        self.received = micros(state.reception["received_at"])
        self.ended = state.outcome_at is not None and state.outcome_at <= at
        self.end = state.outcome_at if self.ended and state.outcome_at is not None else at
        self.unit = promise.unit if promise else "working days"
        self.stops = list(self._stops())

    def words(self, good: bool) -> str:
        """In time or not, as it is called of an open case and of one that has ended."""
        return ("on time" if good else "late") if self.ended else ("in term" if good else "overdue")

    def in_time(self, by_date: bool, as_sent: bool | None = None) -> bool:
        """Whether the end, or the instant asked about, is within the term, with all stops."""
        term = self.term(by_date, self.versions.as_sent if as_sent is None else as_sent)
        return term is None or self.passes(term, self.end, by_date)

    def passes(self, term: int, at: int, by_date: bool) -> bool:
        """Whether an instant is in time. No term is later than the last day of calendars."""
        return self.days.local(at) <= self.days.known(term) if by_date else at <= term

    def term(self, by_date: bool, as_sent: bool) -> int | None:
        """The term that holds at the end, after the stops since it was sent."""
        sent, since = self.sent(self.at if as_sent else self.end)
        term = maximum(self.received, self.promise, self.days) if sent is None else sent
        if term is None or as_sent:
            return term
        return self.stopwatch(term, self.received if since is None else since, self.stops, by_date)

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
        """The term when a clock that stood from one instant to another runs again; beside all days, nothing moves."""
        try:
            return self._resumed(term, began, resumes, by_date)
        except NoSuchDay:
            return max(term, resumes)

    def _resumed(self, term: int, began: int, resumes: int, by_date: bool) -> int:
        days, unit = self.days, self.unit
        if unit in ("days", "months"):
            gone = days.within(resumes) - days.within(began)
            later = days.close(days.within(term) + gone) if gone else term
        elif days.amount(began, resumes, unit) == 0:
            later = term
        else:
            work = days.on(days.within(term))
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
            return "on time" if waits else self.words(self.in_time(by_date=True, as_sent=False))
        if self.state.outcome != "resolved":
            return "on time"
        term = self.term(by_date=True, as_sent=False)
        if term is not None and self.days.known(self.end) < self.days.known(term):
            return "early"
        return self.words(self.in_time(by_date=True, as_sent=False))

    def by_766(self) -> str:
        """By the portal: supplements are taken off the end, and the second request is one too many."""
        end, finished = self.end, self.ended and self.state.outcome == "resolved"
        returned = self.state.returned_at
        if self.ended and not finished and returned is not None and end < returned <= self.at:
            end, finished = returned, True
        asked = [stop for stop in self.stops if stop[0] == "supplement_requested" and stop[1] <= self.end]
        if 0 < self.versions.one_too_many <= len(asked):
            return self.words(False)
        answered = [stop for stop in asked if stop[2] is not None and stop[2] <= end]
        waiting = [stop[1] for stop in asked if stop not in answered]
        return self.words(self._in_time_by_766(end, answered, min(waiting) if waiting and not finished else end))

    def _in_time_by_766(self, end: int, answered: list[Stop], measured: int) -> bool:
        sent, _ = self.sent(self.at)
        if sent is not None:
            cuts = sorted({cut for _, *ends in answered for cut in ends if cut is not None})
            off = sum(
                there - here
                for here, there in pairwise(cuts)
                if any(start <= here and (stop or 0) >= there for _, start, stop in answered)
            )
            return self.passes(sent, measured - off, by_date=True)
        most = maximum(self.received, self.promise, self.days)
        if most is None:
            return True
        self.end = max(self.end, end)
        return self.passes(self.stopwatch(most, self.received, answered, by_date=True), measured, by_date=True)

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
