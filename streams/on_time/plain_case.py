"""Plain cases: nothing moved their term, and how they stand follows from where an instant lies beside it.

Nearly all cases are plain. They are judged without a calendar, by a table: `judge` and `timeline` say the same.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal, TypeAlias

from schemas.instant import EARLIEST, LATEST, to_micros
from streams.on_time.history import History
from streams.on_time.verdicts import Standing

Place: TypeAlias = Literal["no term", "day before", "in time", "same day", "day after"]
"""Beside the term an instant is on a local day before; up to it on its day; after it on its day; on a later day."""
Standings: TypeAlias = tuple[Standing, ...]
"""How a case stands by each rule, in the order of RULE_NAMES."""

FIRST, LAST = to_micros(EARLIEST + timedelta(days=2)), to_micros(LATEST - timedelta(days=1))
"""Terms of plain cases are within these: their local days are days of calendars in every time zone."""
FINISHED = ("", "resolved")
"""Outcomes whose verdict no later return changes."""


def is_plain(history: History) -> bool:
    """Whether the one term of the case, if any, holds from its reception on, and nothing moves it or its end."""
    if history.stops or history.extensions:
        return False
    term, ended = history.computed, history.outcome_at
    if (appointment := history.appointment) is not None:
        term = appointment.term
        if appointment.at > history.received_at or (ended is not None and appointment.at > ended):
            return False
    if term is not None and not FIRST <= term < LAST:
        return False
    returned = history.returned_at
    return returned is None or ended is None or history.outcome in FINISHED or returned <= ended


def place_of(at: int, term: int | None, local_day: Callable[[int], int]) -> Place:
    """Where an instant lies beside a term."""
    if term is None:
        return "no term"
    day, last_day = local_day(at), local_day(term)
    if day != last_day:
        return "day before" if day < last_day else "day after"
    return "in time" if at <= term else "same day"


def plain_standings(history: History, at: int, local_day: Callable[[int], int]) -> Standings:
    """How a plain case stands at an instant, which is not before its reception."""
    term = history.appointment.term if history.appointment else history.computed
    place = place_of(history.until(at), term, local_day)
    return ENDED[place, history.outcome == "resolved"] if history.has_ended(at) else OPEN[place]


_OPEN_UNTIL: tuple[Place, ...] = ("no term", "day before", "in time")


def _ended(place: Place, is_resolved: bool) -> Standings:
    by_date: Standing = "late" if place == "day after" else "on time"
    by_form: Standing = "early" if place == "day before" else by_date
    return "on time" if place in _OPEN_UNTIL else "late", by_date, by_date, by_form if is_resolved else "on time"


def _open(place: Place) -> Standings:
    by_date: Standing = "overdue" if place == "day after" else "in term"
    return "in term" if place in _OPEN_UNTIL else "overdue", by_date, by_date, by_date


PLACES: tuple[Place, ...] = ("no term", "day before", "in time", "same day", "day after")
ENDED = {(place, is_resolved): _ended(place, is_resolved) for place in PLACES for is_resolved in (False, True)}
"""How an ended case stands, by the place of its end and whether it was resolved."""
OPEN = {place: _open(place) for place in PLACES}
"""How an open case stands, by the place of the instant."""
