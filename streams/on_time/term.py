"""Which term holds of a case at an instant, and where it comes from.

A term that the source sent takes account of every stop up to the instant at which it was set. Later stops move it, and
stops since the reception move a term that follows from the procedure, each by what was stopped in the term's own unit.
A term that has passed moves no more.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from schemas.working_time.calendar import Calendar
from streams.on_time.clock_stops import stopped
from streams.on_time.history import History
from streams.on_time.moving import deadline_of, moved
from streams.on_time.rules import Rule

Origin: TypeAlias = Literal["appointment", "procedure", "extension", ""]


class Term(Struct, frozen=True):
    """The term of a case as of an instant; instants are None where there is none.

    `original` is the appointment, or else what the procedure promises; `current` the latest extension or else the
    original, moved by stops. `origin` says where the original comes from, and `extension` where there is only a later
    term. While `is_stopped`, a stop that began in term goes on, and the current term moves along with time.
    """

    origin: Origin
    original: int | None
    current: int | None
    deadline: int | None
    is_stopped: bool = False


def term_at(history: History, at: int, rule: Rule, calendar: Calendar) -> Term:
    """The term by this rule as it was at an instant, as far as what had happened by then says."""
    horizon, table = horizon_of(history, at, rule), calendar.timetable
    appointed, sent = history.appointed(horizon), history.sent(horizon)
    original = appointed.term if appointed else history.computed
    held = sent.term if sent else history.computed
    if held is None:
        return Term("", None, None, None)
    since = sent.at if sent else history.received_at
    stops = stopped(history.stops, since, history.until(at), rule.moved_by) if history.stops else ()
    current = moved(held, stops, history.unit, rule.basis, table)
    deadline = deadline_of(current, rule.basis, table)
    is_stopped = at <= deadline and any(stop.is_open(at) and stop.kind in rule.moved_by for stop in history.stops)
    origin: Origin = "appointment" if appointed else "extension" if original is None else "procedure"
    return Term(origin, original, current, deadline, is_stopped)


def horizon_of(history: History, at: int, rule: Rule) -> int:
    """Up to which instant a term must have been sent to count at `at`: as a rule, up to the end."""
    return at if rule.counts_late_extensions else history.until(at)
