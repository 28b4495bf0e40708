"""The verdicts of a rule on a case at all instants, as a few steps: what a query can look up without the rules.

`judge` answers for one instant, from the reception on. To ask it at each change would make a dossier with a thousand
pauses cost a million. Here the stops are gone through once.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, pairwise

from msgspec import Struct, structs

from schemas.working_time.calendar import Calendar
from streams.on_time.clock_stops import SUPPLEMENTS, StopKind, stopped
from streams.on_time.history import History
from streams.on_time.moving import deadline_of, moved
from streams.on_time.rules import Rule
from streams.on_time.verdicts import Standing, is_judged, judge

_NEVER = 1 << 62


class Step(Struct, frozen=True, gc=False):
    """How the case stands from an instant on, up to the next step.

    After `overdue_after` it is overdue although nothing happened; None where time alone changes nothing.
    """

    since: int
    standing: Standing
    overdue_after: int | None

    def standing_at(self, at: int) -> Standing:
        """How it stands at an instant of this step."""
        return "overdue" if self.overdue_after is not None and at > self.overdue_after else self.standing


def timeline(rule: Rule, history: History, calendar: Calendar) -> tuple[Step, ...]:
    """The steps in their order, the first one at the reception; none where the rule does not judge the case."""
    if not is_judged(rule, history):
        return ()
    end = end_of_clock(history)
    supplements = any(stop.kind == "supplement" for stop in history.stops)
    if rule.name == "decision 766":
        if supplements:
            steps = _judged(rule, history, calendar, [at for at in _of_766(rule, history) if at < end])
        else:
            steps = _open(rule, history, calendar, end, ())
    else:
        steps = _open(rule, history, calendar, end, rule.moved_by)
        if supplements and rule.name == "report form":
            steps = waiting(list(steps), history, end)
    if end < _NEVER:
        steps = chain(steps, _judged(rule, history, calendar, since_end(rule, history, end)))
    return tuple(distinct(steps))


def end_of_clock(history: History) -> int:
    """The end, though not before the reception; while there is none, after everything."""
    return _NEVER if history.outcome_at is None else max(history.outcome_at, history.received_at)


def _open(rule: Rule, history: History, calendar: Calendar, end: int, moved_by: Collection[StopKind]) -> Iterator[Step]:
    """The steps before the end: each term from when it was set, and each stop that moves it."""
    table = calendar.timetable
    for (since, term), (until, _) in pairwise([*terms_of(history), (_NEVER, None)]):
        if since >= end:
            return
        if term is None:
            yield Step(since, "in term", None)
            continue
        deadline = deadline_of(term, rule.basis, table)
        yield Step(since, "in term", deadline)
        for start, stop in stopped(history.stops, since, min(until, end), moved_by):
            if start > deadline:
                break
            yield Step(start, "in term", None)
            if stop < min(until, end):
                term = moved(term, [(start, stop)], history.unit, rule.basis, table)
                deadline = deadline_of(term, rule.basis, table)
                yield Step(stop, "in term", deadline)


def terms_of(history: History) -> list[tuple[int, int | None]]:
    """The terms that hold one after the other, each from an instant on: of those set, the one of the highest number."""
    found = [(history.received_at, history.computed)]
    best = -1
    sent = [history.appointment, *(extension.appointment for extension in history.extensions)]
    for at, rank, term in sorted((each.at, rank, each.term) for rank, each in enumerate(sent) if each):
        if rank > best:
            best = rank
            found.append((max(at, history.received_at), term))
    return found


def waiting(steps: list[Step], history: History, end: int) -> Iterator[Step]:
    """The steps of the report form: while a dossier waits for supplements, it is on time."""
    waits = stopped(history.stops, history.received_at, end, SUPPLEMENTS)
    begins, sinces = [begin for begin, _ in waits], [step.since for step in steps]
    for at in sorted({*sinces, *begins, *(until for _, until in waits if until < end)}):
        wait = bisect_right(begins, at) - 1
        if wait >= 0 and at < waits[wait][1]:
            yield Step(at, "on time", None)
        else:
            yield structs.replace(steps[bisect_right(sinces, at) - 1], since=at)


def _judged(rule: Rule, history: History, calendar: Calendar, instants: Iterable[int]) -> Iterator[Step]:
    for at in instants:
        verdict = judge(rule, history, at, calendar)
        if verdict is not None:
            yield Step(at, verdict.standing, verdict.overdue_after)


def _of_766(rule: Rule, history: History) -> list[int]:
    """The instants at which a verdict by Decision 766 can change while a dossier is open.

    From the request on that makes it overdue by itself, none does: a thousand requests are no more work than two.
    """
    sent = [history.appointment.at] if history.appointment else []
    sent += [extension.appointment.at for extension in history.extensions]
    asked = [
        at for stop in history.stops if stop.kind == "supplement" for at in (stop.start, stop.end) if at is not None
    ]
    found = sorted({history.received_at, *(at for at in (*sent, *asked) if at > history.received_at)})
    requests = sorted(stop.start for stop in history.stops if stop.kind == "supplement")
    if 0 < rule.late_from_supplement <= len(requests):
        return found[: bisect_right(found, requests[rule.late_from_supplement - 1])]
    return found


def since_end(rule: Rule, history: History, end: int) -> list[int]:
    """The end, and what may still change a verdict after it: a rule may look at what was sent or handed over later."""
    later = {end}
    if rule.counts_late_extensions:
        later.update(extension.appointment.at for extension in history.extensions)
        later.update([history.appointment.at] if history.appointment else ())
    if history.returned_at is not None and rule.name == "decision 766":
        later.add(history.returned_at)
    return sorted(at for at in later if at >= end)


def distinct(steps: Iterable[Step]) -> list[Step]:
    """The last step of each instant, where it is not as the one before."""
    found: list[Step] = []
    for step in steps:
        if found and found[-1].since == step.since:
            found.pop()
        if not found or step.standing != found[-1].standing or step.overdue_after != found[-1].overdue_after:
            found.append(step)
    return found
