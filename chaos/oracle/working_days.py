"""Terms counted on fingers: day after day, stretch of work after stretch of work.

The product adds positions in a timetable. This walks through the days of a calendar and takes from each what it has. It
shares with the product only which hours of a day are worked.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from chaos.oracle.event_content import micros
from schemas.working_time.calendar import FIRST_DAY, LAST_DAY, Calendar

_DAY = timedelta(days=1)
_LONG = {"working hours": 30 * 8 * 3_600_000_000, "working days": 30}


class NoSuchDay(Exception):
    """An instant, or the end of a term, lies beside the days that calendars have."""


class WorkingDays:
    """The stretches of work of a calendar, as instants in microseconds."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self._calendar, self.zone = calendar, zone
        self._worked: dict[date, list[tuple[int, int, Fraction]]] = {}
        self._months: dict[tuple[date, str], Fraction] = {}

    def local(self, at: int) -> date:
        """The local day of an instant."""
        return datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(self.zone).date()

    def known(self, at: int) -> date:
        """The same, or the first or last day of calendars, to which instants beside them belong."""
        return min(max(self.local(at), FIRST_DAY), LAST_DAY)

    def within(self, at: int) -> date:
        """The same; raises NoSuchDay beside the days of calendars."""
        if self.known(at) != (day := self.local(at)):
            raise NoSuchDay(day)
        return day

    def midnight(self, day: date) -> int:
        """When a day begins."""
        return micros(datetime(day.year, day.month, day.day, tzinfo=self.zone))

    def on(self, day: date) -> list[tuple[int, int, Fraction]]:
        """(begin, end, what it is of a working day) of each stretch of work on a day; none if it is off."""
        if day not in self._worked:
            if not FIRST_DAY <= day <= LAST_DAY:
                raise NoSuchDay(day)
            found = self._calendar.day(day)
            midnight = self.midnight(day)
            whole = Fraction(1, 2) if found.kind == "half" else Fraction(1)
            self._worked[day] = [
                (
                    midnight + opens * 60_000_000,
                    midnight + closes * 60_000_000,
                    whole * Fraction(closes - opens, found.minutes),
                )
                for opens, closes in found.hours
            ]
        return self._worked[day]

    def after(self, at: int) -> Iterator[tuple[int, int, Fraction]]:
        """The rest of the stretch that an instant is in, and those that follow; ends by NoSuchDay."""
        day = self.within(at)
        while True:
            for begin, end, share in self.on(day):
                if end > at:
                    begun = max(begin, at)
                    yield begun, end, share * Fraction(end - begun, end - begin)
            day += _DAY

    def first(self, at: int) -> int:
        """The first working instant from this one on."""
        return next(self.after(at))[0]

    def amount(self, start: int, end: int, unit: str) -> Fraction:
        """What is worked between two instants: in microseconds for working hours, or else in working days."""
        if end >= self._end:
            raise NoSuchDay(self.local(end))
        first, last = _next_month(self.within(start)), self.within(end).replace(day=1)
        if first < last:
            # Whole months are counted once.
            worked, month = self._rest(start, unit), first
            while month < last:
                worked, month = worked + self._of_month(month, unit), _next_month(month)
            return worked + self.amount(self.midnight(last), end, unit)
        worked = Fraction(0)
        for begin, stop, share in self.after(start):
            if begin >= end:
                break
            part = Fraction(min(stop, end) - begin, stop - begin)
            worked += part * (stop - begin if unit == "working hours" else share)
        return worked

    def spent(self, start: int, amount: Fraction, unit: str) -> int:
        """When an amount above zero, which runs from an instant on, is used up."""
        month = self.within(start).replace(day=1)
        while amount > _LONG[unit] and amount > (whole := self._rest(start, unit)):
            # Whole months are counted once.
            amount, month = amount - whole, _next_month(month)
            start = self.midnight(month)
        for begin, stop, share in self.after(start):
            has = Fraction(stop - begin) if unit == "working hours" else share
            if amount <= has:
                return begin + -(-(stop - begin) * amount // has)
            amount -= has
        raise AssertionError("days never end")

    def close(self, day: date) -> int:
        """When work ends on a day, or on the next one that is worked."""
        while not self.on(day):
            day += _DAY
        return self.on(day)[-1][1]

    def due(self, start: int, amount: int, unit: str, same_day: bool) -> int:
        """The end of a term."""
        begin = self.first(start)
        day = self.local(begin)
        if same_day:
            return self._same_day(begin, amount, unit)
        if unit == "days":
            return self.close(day + amount * _DAY)
        if unit == "months":
            return self.close(_months_later(day, amount))
        return self.spent(begin, Fraction(amount * (3_600_000_000 if unit == "working hours" else 1)), unit)

    def _same_day(self, begin: int, amount: int, unit: str) -> int:
        """The day of the start counts; after the cut-off it is the next working day."""
        day = self.local(begin)
        midnight = self.midnight(day)
        if begin > midnight + self._calendar.day(day).same_day_until * 60_000_000:
            begin = self.first(midnight + 86_400_000_000)
            day = self.local(begin)
        if unit == "working hours":
            return self.due(begin, amount, unit, same_day=False)
        if unit == "days":
            return self.close(day + (amount - 1) * _DAY)
        return self.spent(self.on(day)[0][0], Fraction(amount), unit)

    @cached_property
    def _end(self) -> int:
        """The end of all work."""
        day = LAST_DAY
        while not self.on(day):
            day -= _DAY
        return self.on(day)[-1][1]

    def _rest(self, start: int, unit: str) -> Fraction:
        """What is worked from an instant to the end of its month."""
        month = self.within(start).replace(day=1)
        if start == self.midnight(month):
            return self._of_month(month, unit)
        rest = Fraction(0)
        for begin, stop, share in self._until(start, self.midnight(_next_month(month))):
            rest += stop - begin if unit == "working hours" else share
        return rest

    def _until(self, start: int, turn: int) -> Iterator[tuple[int, int, Fraction]]:
        day = self.within(start)
        while day <= LAST_DAY and self.midnight(day) < turn:
            for begin, end, share in self.on(day):
                if end > start:
                    begun = max(begin, start)
                    yield begun, end, share * Fraction(end - begun, end - begin)
            day += _DAY

    def _of_month(self, month: date, unit: str) -> Fraction:
        if (month, unit) not in self._months:
            if month > LAST_DAY:
                raise NoSuchDay(month)
            stretches = list(self._until(self.midnight(month), self.midnight(_next_month(month))))
            self._months[month, "working hours"] = Fraction(sum(stop - begin for begin, stop, _ in stretches))
            self._months[month, "working days"] = sum((share for *_, share in stretches), Fraction(0))
        return self._months[month, unit]


def _next_month(day: date) -> date:
    return (day.replace(day=1) + 32 * _DAY).replace(day=1)


def _months_later(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    for number in range(day.day, 0, -1):
        try:
            return date(index // 12, index % 12 + 1, number)
        except ValueError:
            continue
    raise AssertionError("each month has a first day")
