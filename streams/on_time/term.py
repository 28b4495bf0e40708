"""Which term holds of a case at an instant, where it comes from, and what is notable about it.

A term that the source sent takes account of every stop up to its record. Later stops move it, and stops since the
reception move a term that follows from the procedure, each by what was stopped in the term's own unit. A term that has
passed moves no more.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.errors import OutsideCalendar
from schemas.working_time.arithmetic import add
from schemas.working_time.duration import Unit
from streams.on_time.clock_stops import stopped
from streams.on_time.history import Extension, History
from streams.on_time.local_day import local_day
from streams.on_time.moving import Jurisdiction, deadline_of, moved
from streams.on_time.rules import Basis, Rule

Origin: TypeAlias = Literal["appointment", "procedure", "extension", ""]
Flag: TypeAlias = Literal[
    "appointment differs from procedure",
    "new term differs from stops",
    "extended after the term",
    "extended after the end",
    "extended without apology",
    "term before reception",
]


class Term(Struct, frozen=True):
    """The term of a case as of an instant; instants are None where there is none.

    `original` is the appointment, or else what the procedure promises; `current` the latest extension or else the
    original, moved by stops. `computed` is what the procedure promises, whether the source sent a term or not. While
    `is_stopped`, a stop that began in term goes on, and the current term moves along with time.
    """

    origin: Origin
    original: int | None
    current: int | None
    deadline: int | None
    is_stopped: bool
    computed: int | None
    flags: tuple[Flag, ...]


def term_at(history: History, at: int, rule: Rule, jurisdiction: Jurisdiction) -> Term:
    """The term by this rule as it was at an instant, as far as what had happened by then says."""
    horizon = at if rule.counts_late_extensions else history.until(at)
    computed = computed_term(history, jurisdiction)
    appointed = history.appointment if history.appointment and history.appointment.at <= horizon else None
    original = appointed.term if appointed else computed
    origin: Origin = "appointment" if appointed else "procedure" if computed is not None else ""
    flags = list(_of_original(history, original, computed, jurisdiction))
    current, sent = original, appointed.recorded if appointed else history.received_at
    for extension in _made(history, at):
        later = extension.appointment
        if later.at > horizon:
            flags.append("extended after the end")
            continue
        stops = stopped(history.stops, sent, later.at, rule.moved_by)
        due = None if current is None else moved(current, stops, history.unit, rule.basis, jurisdiction)
        flags += _of_extension(extension, due, bool(stops), history.unit, rule.basis, jurisdiction)
        origin, current, sent = origin or "extension", later.term, later.recorded
    notable = tuple(dict.fromkeys(flags))
    if current is None:
        return Term(origin, original, None, None, False, computed, notable)
    stops = stopped(history.stops, sent, history.until(at), rule.moved_by)
    current = moved(current, stops, history.unit, rule.basis, jurisdiction)
    deadline = deadline_of(current, rule.basis, jurisdiction.zone)
    lasts = sent <= at and any(stop.is_open(at) and stop.kind in rule.moved_by for stop in history.stops)
    return Term(origin, original, current, deadline, lasts and at <= deadline, computed, notable)


def computed_term(history: History, jurisdiction: Jurisdiction) -> int | None:
    """The term that the procedure promises, as if nothing had stopped the clock; None where there is none."""
    if history.promised is None:
        return None
    try:
        return add(history.received_at, history.promised, jurisdiction.calendar, same_day=history.same_day)
    except OutsideCalendar:
        return None


def sent_term(history: History, at: int) -> int | None:
    """The term that the source had sent last by this instant; None where it had sent none."""
    made = _made(history, at)
    if made:
        return made[-1].appointment.term
    return history.appointment.term if history.appointment and history.appointment.at <= at else None


def apologies(history: History, at: int) -> int:
    """How many extensions had come with an apology by this instant."""
    return sum(extension.apology for extension in _made(history, at))


def _made(history: History, at: int) -> list[Extension]:
    return [extension for extension in history.extensions if extension.appointment.at <= at]


def _of_original(
    history: History, original: int | None, computed: int | None, jurisdiction: Jurisdiction
) -> Iterator[Flag]:
    if original is None:
        return
    if computed is not None and differ(original, computed, history.unit, jurisdiction.zone):
        yield "appointment differs from procedure"
    if original < history.received_at and differ(original, history.received_at, history.unit, jurisdiction.zone):
        yield "term before reception"


def _of_extension(
    extension: Extension, due: int | None, stopped_before: bool, unit: Unit, basis: Basis, jurisdiction: Jurisdiction
) -> Iterator[Flag]:
    """What is notable about an extension that replaces the term `due`, which stops had moved up to then.

    A new term that only gives back what was stopped needs no apology.
    """
    if due is None:
        return
    later, zone = extension.appointment, jurisdiction.zone
    differs = differ(later.term, due, unit, zone)
    if differs and later.term > due and not extension.apology:
        yield "extended without apology"
    if later.at > deadline_of(due, basis, zone):
        yield "extended after the term"
    if differs and stopped_before:
        yield "new term differs from stops"


def differ(one: int, other: int, unit: Unit, zone: ZoneInfo) -> bool:
    """Whether two terms are not the same: on the clock where the unit is hours, or else in the calendar."""
    return one != other if unit == "working hours" else local_day(one, zone) != local_day(other, zone)
