"""Terms: when a duration ends that starts at an instant, and how much of a unit lies between two instants.

Instants are microseconds since 1970 in UTC. All days and hours are local ones of the calendar.
"""

from calendar import monthrange
from datetime import MAXYEAR, date
from fractions import Fraction

from schemas.errors import OutsideCalendar
from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Duration, Unit
from schemas.working_time.timetable import TICKS


def add(start: int, duration: Duration, calendar: Calendar, same_day: bool = False) -> int:
    """The instant at which a term ends.

    A start outside working hours is moved to the next working instant: 17:00 on Friday begins on Monday. Then:

    - *Working hours* are time worked. A term that is used up when work stops ends there, not when it begins again.
    - *Working days* are worked through: 3 of them from Wednesday 15:30 end on Monday at 15:30. On days of other hours
      the term ends at the same share of the day. A half day counts one half.
    - *Days* are counted after the day of the start, whether worked or not. The term ends when work ends on the last
      one; if that is off, on the next working day (Civil Code 2015, articles 147 and 148).
    - *Months* end the same way on the day of the same number, or else on the last day of the month: one month from
      31 January ends on 28 or 29 February.

    With `same_day` the day of the start is the first of the term's days, and the term ends when work ends on the last;
    an amount below 1 means 1. A start after the cut-off begins on the next working day. Hours only have the cut-off.

    Fractions of days and months end on the day that they reach. An end between two microseconds is the later one: only
    fractions have such ends, and terms that go from a day to one of another length.

    Raises OutsideCalendar where the term leaves the days that calendars have, and ValueError where the amount is
    negative, or a term in months should be of the same day.
    """
    amount, unit = counted_amount(duration, same_day), duration.unit
    start = begin(start, unit, calendar, same_day)
    table = calendar.timetable
    if unit == "days":
        return table.close(table.ordinal(start) + _ceil(amount) - same_day)
    if unit == "months":
        return table.close(_months_after(table.ordinal(start), amount))
    if amount == 0:
        return start
    scale = table.scale(unit)
    return table.instant(table.position(start, scale) + _ceil(amount * TICKS[unit]), scale)


def begin(start: int, unit: Unit, calendar: Calendar, same_day: bool = False) -> int:
    """The instant from which a term is counted that starts at this one."""
    table = calendar.timetable
    i = table.session(start)
    begins = max(start, table.opens[i])
    if not same_day:
        return begins
    if begins > table.cut_offs[i]:
        return table.open(table.ordinals[i] + 1)
    return begins if unit == "working hours" else table.open(table.ordinals[i])


def counted_amount(duration: Duration, same_day: bool = False) -> int | Fraction:
    """The amount that a term counts: of days of the same day at least one."""
    if duration.amount < 0:
        raise ValueError(f"a term of {duration} is negative")
    if same_day and duration.unit == "months":
        raise ValueError(f"a term of {duration} cannot be one of the same day")
    return max(duration.amount, 1) if same_day and duration.unit != "working hours" else duration.amount


def between(start: int, end: int, unit: Unit, calendar: Calendar) -> Fraction:
    """How much of a unit lies between two instants, exactly; negative where `end` is before `start`.

    It is the inverse of `add`: `add(start, between(start, end)) == end` for every end that a term can have, and
    `between(start, add(start, amount)) == amount` for every whole amount, unless the end was moved off a day off, or up
    to a whole microsecond.

    - *Working hours* and *working days*: what was worked. A half day counts one half, each of its hours in proportion.
    - *Days*: from the day on which a term would begin to the local day of `end`; a whole number.
    - *Months*: whole months, and the share of the next month that was reached, in days.
    """
    table = calendar.timetable
    if unit == "days":
        return Fraction(table.ordinal(end) - table.ordinals[table.session(start)])
    if unit == "months":
        if end < start:
            return -between(end, start, unit, calendar)
        return _months_between(table.ordinals[table.session(start)], table.ordinal(end))
    scale = table.scale(unit)
    return Fraction(table.position(end, scale) - table.position(start, scale), TICKS[unit])


def _months_after(ordinal: int, months: int | Fraction) -> int:
    whole, rest = divmod(months, 1)
    first = _month_later(ordinal, int(whole))
    return first + _ceil(rest * (_month_later(ordinal, int(whole) + 1) - first)) if rest else first


def _months_between(first: int, last: int) -> Fraction:
    if last < first:
        return Fraction(last - first, first - _month_later(first, -1))
    begin, end = date.fromordinal(first), date.fromordinal(last)
    whole = (end.year - begin.year) * 12 + end.month - begin.month
    if _month_later(first, whole) > last:
        whole -= 1
    reached = _month_later(first, whole)
    return whole + Fraction(last - reached, _month_later(first, whole + 1) - reached)


def _month_later(ordinal: int, months: int) -> int:
    """The day of the same number so many months later; the last day of that month, where it has no such day."""
    day = date.fromordinal(ordinal)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        raise OutsideCalendar(f"the term ends in the year {year}, after the last working day of the calendar")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])).toordinal()


def _ceil(amount: int | Fraction) -> int:
    return -(-amount // 1)
