"""What people ask about the term of a case, beside whether it was kept."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Unit
from schemas.working_time.timetable import Timetable
from streams.on_time.clock_stops import stopped
from streams.on_time.history import Extension, History
from streams.on_time.local_days import local_day
from streams.on_time.moving import deadline_of, moved
from streams.on_time.rules import Rule
from streams.on_time.term import horizon_of
from streams.on_time.verdicts import judge

Fact: TypeAlias = Literal[
    "appointment differs from procedure",
    "term before reception",
    "extended without apology",
    "extended after the term",
    "extended after the end",
    "new term differs from stops",
    "late without apology",
]


def notable_at(history: History, at: int, rule: Rule, calendar: Calendar) -> tuple[Fact, ...]:
    """What is notable by this rule, of what had happened by an instant; each fact once."""
    return tuple(dict.fromkeys(_facts(history, at, rule, calendar)))


def _facts(history: History, at: int, rule: Rule, calendar: Calendar) -> Iterator[Fact]:
    horizon, table = horizon_of(history, at, rule), calendar.timetable
    appointed, computed = history.appointed(horizon), history.computed
    if appointed and computed is not None and _differ(appointed.term, computed, history.unit, table):
        yield "appointment differs from procedure"
    received = history.received_at
    if appointed and appointed.term < received and _differ(appointed.term, received, history.unit, table):
        yield "term before reception"
    current, since = (appointed.term, appointed.at) if appointed else (computed, received)
    made = [extension for extension in history.extensions if extension.appointment.at <= at]
    for extension in made:
        later = extension.appointment
        if later.at > horizon:
            yield "extended after the end"
            continue
        if current is not None:
            stops = stopped(history.stops, since, later.at, rule.moved_by)
            due = moved(current, stops, history.unit, rule.basis, table)
            yield from _of_extension(extension, due, bool(stops), history.unit, rule, table)
        current, since = later.term, later.at
    verdict = judge(rule, history, at, calendar)
    if verdict is not None and not verdict.is_good and not any(extension.apology for extension in made):
        yield "late without apology"


def _of_extension(
    extension: Extension, due: int, stopped_before: bool, unit: Unit, rule: Rule, table: Timetable
) -> Iterator[Fact]:
    """What is notable about an extension that replaces the term `due`, which stops had moved up to then.

    A new term that only gives back what was stopped needs no apology.
    """
    later = extension.appointment
    differs = _differ(later.term, due, unit, table)
    if differs and later.term > due and not extension.apology:
        yield "extended without apology"
    if later.at > deadline_of(due, rule.basis, table):
        yield "extended after the term"
    if differs and stopped_before:
        yield "new term differs from stops"


def _differ(one: int, other: int, unit: Unit, table: Timetable) -> bool:
    """Whether two terms are not the same: on the clock where the unit is hours, or else in the calendar."""
    return one != other if unit == "working hours" else local_day(one, table) != local_day(other, table)
