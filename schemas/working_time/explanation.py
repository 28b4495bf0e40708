"""Explanations: the days from the start of a term to its end, with what each of them counts, and why."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from msgspec import Struct

from schemas.working_time.arithmetic import add, begin, between, counted_amount
from schemas.working_time.calendar import Calendar
from schemas.working_time.day import Day
from schemas.working_time.duration import Duration, Unit
from schemas.working_time.hours import time_text
from schemas.working_time.timetable import MINUTE


class CountedDay(Struct, frozen=True, gc=False):
    """A local day, how much of the unit it counts, and why it counts nothing or only a part."""

    day: Day
    counted: Fraction
    note: str = ""


class Explanation(Struct, frozen=True, gc=False):
    """The days from `start` to `end`. Counting starts at `begin`; what the days count adds up to `amount`."""

    start: int
    begin: int
    end: int
    amount: Fraction
    days: tuple[CountedDay, ...]


def explain(start: int, duration: Duration, calendar: Calendar, same_day: bool = False) -> Explanation:
    """Explain what `add` returns for the same arguments."""
    end = add(start, duration, calendar, same_day)
    return _explanation(start, end, duration.unit, calendar, counted_amount(duration, same_day), same_day)


def explain_between(start: int, end: int, unit: Unit, calendar: Calendar) -> Explanation:
    """Explain what `between` returns for the same arguments; `end` must not be before `start`."""
    return _explanation(start, end, unit, calendar, max(between(start, end, unit, calendar), Fraction()), False)


def _explanation(
    start: int, end: int, unit: Unit, calendar: Calendar, amount: int | Fraction, same_day: bool
) -> Explanation:
    table = calendar.timetable
    begins = begin(start, unit, calendar, same_day)
    of_days = unit in ("days", "months")
    before = Fraction()
    days = []
    for ordinal in range(table.ordinal(start), table.ordinal(end) + 1):
        day = calendar.day(date.fromordinal(ordinal))
        stop = min(end, table.midnight(ordinal + 1) - 1)
        reached = Fraction()
        if stop >= begins:
            # On the same day, the day of the start counts as well.
            reached = between(begins, stop, unit, calendar) + (same_day and unit == "days")
        reached = min(reached, Fraction(amount))
        notes = _notes(day, table.midnight(ordinal), start, begins, end, same_day=same_day, of_days=of_days)
        if of_days and before == amount and day.hours and ordinal > table.ordinal(begins):
            notes = iter(["the term does not end on a day off, but on the next working day"])
        days.append(CountedDay(day, reached - before, "; ".join(notes)))
        before = reached
    return Explanation(start, begins, end, Fraction(amount), tuple(days))


def _notes(
    day: Day, midnight: int, start: int, begins: int, end: int, *, same_day: bool, of_days: bool
) -> Iterator[str]:
    if not day.hours:
        yield f"off: {day.reason}"
    elif begins >= midnight + 1440 * MINUTE:
        is_late = same_day and start > midnight + day.same_day_until * MINUTE
        yield f"received after {time_text(day.same_day_until)}" if is_late else "received when work has ended"
    elif of_days:
        if begins >= midnight and not same_day:
            yield "the day of the start does not count"
    else:
        opens, closes = midnight + day.hours[0].opens * MINUTE, midnight + day.hours[-1].closes * MINUTE
        if opens < begins:
            yield f"from {_time(begins - midnight)}"
        if end <= opens:
            yield "before work begins"
        elif end < closes:
            yield f"until {_time(end - midnight)}"
    if day.hours and day.kind == "half":
        yield f"half a day: {day.reason}" if day.reason else "half a day"
    elif day.rule and not day.rule.weekdays and day.hours:
        yield f"worked: {day.reason}"


def _time(micros: int) -> str:
    minute, rest = divmod(micros, MINUTE)
    return time_text(minute) + (f":{rest / 1_000_000:09.6f}".rstrip("0").rstrip(".") if rest else "")
