"""Terms of many dossiers at once: what `add` and `between` compute, over arrays."""

from array import array
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.errors import OutsideCalendar
from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Unit
from schemas.working_time.timetable import TICKS, Scale, Timetable

Integers: TypeAlias = NDArray[np.int64]
_EPOCH = date(1970, 1, 1).toordinal()
_BEYOND = 1_000_000
"""More of any unit than a calendar has."""


def add_many(
    starts: Integers, amounts: Integers | int, unit: Unit, calendar: Calendar, same_day: bool = False
) -> Integers:
    """The instants at which terms end: of each start what `add` returns, for whole amounts.

    Raises OutsideCalendar if any start or end is outside the days of the calendar.
    """
    table = calendar.timetable
    amounts = np.broadcast_to(np.asarray(amounts, np.int64), starts.shape)
    if (amounts < 0).any():
        raise ValueError(f"a term of {amounts.min()} {unit} is negative")
    if same_day:
        if unit == "months":
            raise ValueError("a term in months cannot be one of the same day")
        starts = _same_day_starts(starts, table, keep_time=unit == "working hours")
        amounts = amounts if unit == "working hours" else np.maximum(amounts, 1)
    sessions = _sessions(starts, table)
    # What is more than all days of a calendar need not fit into 64 bits.
    amounts = np.minimum(amounts, _BEYOND)
    if unit == "days":
        return _closes(_array(table.ordinals)[sessions] + amounts - same_day, table)
    if unit == "months":
        return _closes(_months_later(_array(table.ordinals)[sessions], amounts), table)
    scale = table.scale(unit)
    ticks = np.minimum(amounts, scale.ends[-1] // TICKS[unit] + 1) * TICKS[unit]
    ends = _instants(_positions(starts, sessions, table, scale) + ticks, table, scale)
    return np.where(amounts == 0, np.maximum(starts, _array(table.opens)[sessions]), ends)


def between_many(starts: Integers, ends: Integers, unit: Unit, calendar: Calendar) -> Integers:
    """What `between` returns, in ticks: `TICKS[unit]` of them are one unit. Months have no ticks in common."""
    if unit == "months":
        raise ValueError("shares of months have no common unit: ask for single ones, or for days")
    table = calendar.timetable
    sessions = _sessions(starts, table)
    if unit == "days":
        _check(ends, table.midnights[0], table.midnights[-1])
        days: Integers = np.searchsorted(_array(table.midnights), ends, "right") - 1 + table.first_ordinal
        return days - _array(table.ordinals)[sessions]
    scale = table.scale(unit)
    return _positions(ends, _sessions(ends, table), table, scale) - _positions(starts, sessions, table, scale)


def _array(values: "array[int]") -> Integers:
    return np.frombuffer(values, np.int64)


def _check(instants: Integers, first: int, end: int) -> None:
    if instants.size and not (first <= instants.min() and instants.max() < end):
        raise OutsideCalendar("an instant is not within the days of the calendar")


def _sessions(instants: Integers, table: Timetable) -> NDArray[np.intp]:
    _check(instants, table.midnights[0], table.end)
    return np.searchsorted(_array(table.closes), instants, "right")


def _positions(instants: Integers, sessions: NDArray[np.intp], table: Timetable, scale: Scale) -> Integers:
    worked = _array(table.worked)[sessions] + np.maximum(instants - _array(table.opens)[sessions], 0)
    in_day: Integers = worked * _array(scale.weights)[sessions] // _array(table.minutes)[sessions]
    return in_day + _array(scale.begins)[sessions]


def _instants(positions: Integers, table: Timetable, scale: Scale) -> Integers:
    sessions = np.searchsorted(_array(scale.ends), positions, "left")
    _check_ends(sessions, table)
    in_day = positions - _array(scale.begins)[sessions]
    # Rounded up, as numpy divides downwards.
    less_worked: Integers = -in_day * _array(table.minutes)[sessions] // _array(scale.weights)[sessions]
    return _array(table.opens)[sessions] - less_worked - _array(table.worked)[sessions]


def _closes(ordinals: Integers, table: Timetable) -> Integers:
    days = _array(table.ordinals)
    sessions = np.searchsorted(days, ordinals, "left")
    _check_ends(sessions, table)
    return _array(table.closes)[np.searchsorted(days, days[sessions], "right") - 1]


def _check_ends(sessions: NDArray[np.intp], table: Timetable) -> None:
    if sessions.size and sessions.max() == len(table.closes):
        raise OutsideCalendar("a term ends after the last working day of the calendar")


def _same_day_starts(starts: Integers, table: Timetable, *, keep_time: bool) -> Integers:
    sessions = _sessions(starts, table)
    days, opens = _array(table.ordinals), _array(table.opens)
    begins = np.maximum(starts, opens[sessions])
    is_late = begins > _array(table.cut_offs)[sessions]
    firsts = np.searchsorted(days, days[sessions] + is_late, "left")
    _check_ends(firsts, table)
    return np.where(~is_late, begins, opens[firsts]) if keep_time else opens[firsts]


def _months_later(ordinals: Integers, months: Integers) -> Integers:
    days = (ordinals - _EPOCH).astype("M8[D]")
    firsts = days.astype("M8[M]")
    later = firsts + months.astype("m8[M]")
    lengths = (later + 1).astype("M8[D]") - later.astype("M8[D]")
    day_of_month = np.minimum(days - firsts.astype("M8[D]"), lengths - 1)
    ends: Integers = (later.astype("M8[D]") + day_of_month).astype(np.int64) + _EPOCH
    return ends
