"""The steps of the two commonest cases that are not plain: one extension, or one supplement, and nothing unusual else.

They are written down at once. `timelines` and `timeline` give the same, as a property test shows.
"""

from collections.abc import Sequence
from typing import TypeAlias

from schemas.rule_names import RULE_NAMES
from schemas.working_time.timetable import Timetable
from streams.on_time.clock_stops import ALL_KINDS
from streams.on_time.history import Appointment, History
from streams.on_time.local_days import last_moment, local_day
from streams.on_time.moving import moved
from streams.on_time.rules import Rule
from streams.on_time.timeline import Step

Timelines: TypeAlias = list[Sequence[Step]]


def usual_timelines(rules: Sequence[Rule], history: History, table: Timetable) -> Timelines | None:
    """The steps by these rules where they and the case are usual; None where `timelines` has to look closer."""
    appointment, ended = history.appointment, history.outcome_at
    if (
        appointment is None
        or appointment.at > history.received_at
        or len(history.stops) + len(history.extensions) != 1
        or history.outcome not in ("", "resolved")
        or history.is_feedback
        or not _are_usual(rules)
    ):
        return None
    if history.extensions:
        sent = history.extensions[0].appointment
        if sent.at <= history.received_at or (ended is not None and sent.at >= ended):
            return None
        return _extended(history, appointment.term, sent, table)
    stop = history.stops[0]
    last = stop.start if stop.end is None else stop.end
    if (
        stop.kind != "supplement"
        or not history.received_at < stop.start <= appointment.term
        or (stop.end is not None and stop.end <= stop.start)
        or (ended is not None and (stop.end is None or ended <= last))
    ):
        return None
    return _supplemented(history, appointment.term, stop.start, stop.end, table)


def _are_usual(rules: Sequence[Rule]) -> bool:
    """Whether the rules have the shape of the current ones."""
    if len(rules) != len(RULE_NAMES):
        return False
    instant, date, by_766, form = rules
    return (
        instant.moved_by is date.moved_by is form.moved_by is ALL_KINDS
        and (instant.name, date.name, by_766.name, form.name) == RULE_NAMES
        and by_766.late_from_supplement != 1
    )


def _extended(history: History, term: int, sent: Appointment, table: Timetable) -> Timelines | None:
    deadline, later_day = last_moment(local_day(term, table), table), local_day(sent.term, table)
    later = last_moment(later_day, table)
    if deadline == later:
        return None
    received, at = history.received_at, sent.at
    instants = [Step(received, "in term", term), Step(at, "in term", sent.term)]
    dates = [Step(received, "in term", deadline), Step(at, "in term", later)]
    return _with_end(history, [instants, dates, dates, dates], (sent.term, later, later), later_day, table)


def _supplemented(history: History, term: int, start: int, answered: int | None, table: Timetable) -> Timelines:
    deadline = last_moment(local_day(term, table), table)
    stopped = Step(start, "in term", None)
    instants = [Step(history.received_at, "in term", term), stopped]
    dates = [Step(history.received_at, "in term", deadline), stopped]
    forms = [dates[0], Step(start, "on time", None)]
    if answered is None:
        return [instants, dates, dates, forms]
    later = moved(term, [(start, answered)], history.unit, "instant", table)
    by_date = moved(term, [(start, answered)], history.unit, "date", table)
    later_day = local_day(by_date, table)
    moved_deadline, added = last_moment(later_day, table), deadline + answered - start
    resumed = Step(answered, "in term", moved_deadline)
    open_steps = [
        [*instants, Step(answered, "in term", later)],
        [*dates, resumed],
        [*dates, Step(answered, "in term", added)],
        [*forms, resumed],
    ]
    return _with_end(history, open_steps, (later, moved_deadline, added), later_day, table)


def _with_end(
    history: History, open_steps: list[list[Step]], deadlines: tuple[int, int, int], last_day: int, table: Timetable
) -> Timelines:
    """The steps with the end by the deadlines of the first three rules; `last_day` is that of the term by date."""
    ended = history.outcome_at
    if ended is None:
        return list(open_steps)
    ends = [Step(ended, "on time" if ended <= deadline else "late", None) for deadline in deadlines]
    ends.append(Step(ended, "early", None) if local_day(ended, table) < last_day else ends[1])
    return [[*steps, end] for steps, end in zip(open_steps, ends, strict=True)]
