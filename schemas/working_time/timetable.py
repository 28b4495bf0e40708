"""Timetables: all working time of a calendar as one line on which instants have positions.

A position is working time since the first day, in ticks. Where hours are counted, a day has as many ticks as it lasts
in microseconds; where days are, all days have the same, and half days half of them. Within a day, positions advance
evenly. So a term is an addition of positions, and everything is integers below 2^63, in Python and in numpy alike.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.errors import OutsideCalendar
from schemas.instant import from_micros
from schemas.working_time.day import SHARES, Day
from schemas.working_time.duration import Unit

MINUTE = 60_000_000
"""Microseconds."""
DAY_MINUTES = 1_965_600
"""What a working day weighs: any multiple of half an hour up to 7½ hours, and of 8, 9 and 10, divides it and its half.

Positions of days of other lengths are rounded, by less than a microsecond of work.
"""
TICKS: dict[Unit, int] = {"working hours": 60 * MINUTE, "working days": DAY_MINUTES * MINUTE, "days": 1}
"""How many ticks each unit has; months have none in common."""
_EPOCH = date(1970, 1, 1).toordinal()


class Scale(NamedTuple):
    """Positions by one unit, for each session: those of its day's begin and of its end, and what its day weighs."""

    begins: "array[int]"
    ends: "array[int]"
    weights: "array[int]"


class Timetable:
    """The sessions of a calendar – stretches of work without a break – in order, as arrays of equal length.

    `opens` and `closes` are instants, `ordinals` the local days, `cut_offs` the last instants at which the day is the
    first of a same-day term, `worked` what was worked on the day before the session, in microseconds, and `minutes`
    the length of the day. `midnights` are the instants at which local days begin, from `first_ordinal` on, and at
    which the last one ends. `end` is the end of all work.
    """

    def __init__(self, zone: ZoneInfo, days: Sequence[Day]) -> None:
        self.first_ordinal = days[0].day.toordinal()
        self.midnights = array("q", (_local(self.first_ordinal + i, 0, zone) for i in range(len(days) + 1)))
        self.opens, self.closes, self.ordinals, self.cut_offs = array("q"), array("q"), array("q"), array("q")
        self.worked, self.minutes = array("q"), array("q")
        weights = array("q")
        for ordinal, day in enumerate(days, self.first_ordinal):
            if not day.hours:
                continue
            minutes = day.minutes
            weight = int(DAY_MINUTES * SHARES[day.kind])
            worked = 0
            for opens, closes in day.hours:
                self.opens.append(self._instant(ordinal, opens, zone))
                self.closes.append(self._instant(ordinal, closes, zone))
                self.cut_offs.append(self._instant(ordinal, day.same_day_until, zone))
                self.ordinals.append(ordinal)
                self.worked.append(worked)
                self.minutes.append(minutes)
                weights.append(weight)
                worked += (closes - opens) * MINUTE
        self.end = self.closes[-1] if self.closes else self.midnights[0]
        self.by_hours = self._scale(self.minutes)
        self.by_days = self._scale(weights)

    def _instant(self, ordinal: int, minute: int, zone: ZoneInfo) -> int:
        """The instant of a minute of a local day."""
        begins, ends = self.midnight(ordinal), self.midnight(ordinal + 1)
        # Only where clocks are put forward or back within the day, the zone has to be asked.
        return begins + minute * MINUTE if ends - begins == 1440 * MINUTE else _local(ordinal, minute, zone)

    def _scale(self, weights: "array[int]") -> Scale:
        begins, ends = array("q"), array("q")
        begin = end = 0
        for i, weight in enumerate(weights):
            worked = self.worked[i]
            if worked == 0:
                begin = end
            begins.append(begin)
            end = begin + (worked + self.closes[i] - self.opens[i]) * weight // self.minutes[i]
            ends.append(end)
        return Scale(begins, ends, weights)

    def session(self, at: int) -> int:
        """The session in which a clock that starts at this instant begins to run: this one, or the next."""
        if not self.midnights[0] <= at < self.end:
            raise self._outside(at)
        return bisect_right(self.closes, at)

    def scale(self, unit: Unit) -> Scale:
        """The positions by working hours or by working days."""
        return self.by_hours if unit == "working hours" else self.by_days

    def position(self, at: int, scale: Scale) -> int:
        """The position of an instant; outside working time, of the next working instant."""
        i = self.session(at)
        worked = self.worked[i] + max(at - self.opens[i], 0)
        return scale.begins[i] + worked * scale.weights[i] // self.minutes[i]

    def instant(self, position: int, scale: Scale) -> int:
        """The first instant with a position, or beyond it: the end of a session, rather than the begin of the next."""
        i = bisect_left(scale.ends, position)
        if i == len(scale.ends):
            raise self._too_late()
        worked = -((scale.begins[i] - position) * self.minutes[i] // scale.weights[i])
        return self.opens[i] + worked - self.worked[i]

    def open(self, ordinal: int) -> int:
        """When work begins on a day; on the next working day, if the day is off."""
        return self.opens[self._first_session(ordinal)]

    def close(self, ordinal: int) -> int:
        """When work ends on a day; on the next working day, if the day is off."""
        return self.closes[bisect_right(self.ordinals, self.ordinals[self._first_session(ordinal)]) - 1]

    def midnight(self, ordinal: int) -> int:
        """The instant at which a local day begins."""
        return self.midnights[ordinal - self.first_ordinal]

    def ordinal(self, at: int) -> int:
        """The local day of an instant, as `date.toordinal` counts days."""
        if not self.midnights[0] <= at < self.midnights[-1]:
            raise self._outside(at)
        return self.first_ordinal + bisect_right(self.midnights, at) - 1

    def _first_session(self, ordinal: int) -> int:
        i = bisect_left(self.ordinals, ordinal)
        if i == len(self.ordinals):
            raise self._too_late()
        return i

    def _outside(self, at: int) -> OutsideCalendar:
        last = self.first_ordinal + len(self.midnights) - 2
        days = f"{date.fromordinal(self.first_ordinal)} to {date.fromordinal(last)}"
        return OutsideCalendar(f"{from_micros(at):%Y-%m-%dT%H:%M:%SZ} is not within the working days from {days}")

    def _too_late(self) -> OutsideCalendar:
        last = f"{date.fromordinal(self.ordinals[-1])}, the last working day of the calendar" if self.ordinals else ""
        return OutsideCalendar(f"the term ends after {last}" if last else "the calendar has no working day")


def _local(ordinal: int, minute: int, zone: ZoneInfo) -> int:
    days, minute = divmod(minute, 1440)
    day = date.fromordinal(ordinal + days)
    offset = datetime(day.year, day.month, day.day, *divmod(minute, 60), tzinfo=zone).utcoffset() or timedelta()
    minutes = (ordinal + days - _EPOCH) * 1440 + minute
    return minutes * MINUTE - (offset.days * 86_400 + offset.seconds) * 1_000_000
