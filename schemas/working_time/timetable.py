"""Timetables: all working time of a calendar as one line on which instants have positions.

A position is working time since the first day, in ticks. A day has as many ticks as it lasts where hours are counted,
and `DAY_TICKS` or half of them where days are. Within a day, positions advance evenly. So a term is an addition of
positions, and everything here is integers below 2^63, in Python and in numpy alike.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.errors import OutsideCalendar
from schemas.instant import from_micros, to_micros
from schemas.working_time.day import Day

MINUTE = 60_000_000
"""Microseconds."""
HOUR_TICKS = 60 * MINUTE
DAY_MINUTES = 1_965_600
"""What a working day weighs: any multiple of half an hour up to 7½ hours, and of 8, 9 and 10, divides it and its half.

Positions of days of other lengths are rounded, by less than a microsecond of work.
"""
DAY_TICKS = DAY_MINUTES * MINUTE


class Scale(NamedTuple):
    """Positions by one unit, for each session: those of its day's begin and of its end, and what its day weighs."""

    begins: "array[int]"
    ends: "array[int]"
    weights: "array[int]"


class Timetable:
    """The sessions of a calendar – stretches of work without a break – in order, as arrays of equal length.

    `opens` and `closes` are instants, `ordinals` the local days, `worked` what was worked on the day before the
    session, in microseconds, and `minutes` the length of the day. `midnights` are the instants at which local days begin,
    from `first_ordinal` on, and end.
    """

    def __init__(self, zone: ZoneInfo, days: Iterable[Day]) -> None:
        self.opens, self.closes, self.ordinals = array("q"), array("q"), array("q")
        self.worked, self.minutes, self.midnights = array("q"), array("q"), array("q")
        self.first_ordinal = 0
        weights = array("q")
        for day in days:
            ordinal = day.day.toordinal()
            self.first_ordinal = self.first_ordinal or ordinal
            midnight = _midnight(day.day, zone)
            self.midnights.append(midnight)
            worked = 0
            for opens, closes in day.hours:
                at = midnight + opens * MINUTE
                self.opens.append(at)
                self.closes.append(at + (closes - opens) * MINUTE)
                self.ordinals.append(ordinal)
                self.worked.append(worked)
                self.minutes.append(day.minutes)
                weights.append(DAY_MINUTES if day.kind == "worked" else DAY_MINUTES // 2)
                worked += (closes - opens) * MINUTE
        self.midnights.append(_midnight(day.day + timedelta(1), zone))
        self.by_hours = self._scale(self.minutes)
        self.by_days = self._scale(weights)

    def _scale(self, weights: "array[int]") -> Scale:
        firsts = [weight if worked == 0 else 0 for weight, worked in zip(weights, self.worked, strict=True)]
        ends_of_days = accumulate(firsts)
        begins = array("q", (MINUTE * (end - weight) for end, weight in zip(ends_of_days, weights, strict=True)))
        ends = array(
            "q",
            (
                begin + (worked + closes - opens) * weight // minutes
                for begin, worked, closes, opens, weight, minutes in zip(
                    begins, self.worked, self.closes, self.opens, weights, self.minutes, strict=True
                )
            ),
        )
        return Scale(begins, ends, weights)

    def session(self, at: int) -> int:
        """The session in which a clock that starts at this instant begins to run: this one, or the next."""
        if at < self.midnights[0] or not self.closes or at >= self.closes[-1]:
            raise OutsideCalendar(f"{_shown(at)} is not within the days of the calendar")
        return bisect_right(self.closes, at)

    def begin(self, at: int) -> int:
        """The first working instant that is not before this one."""
        return max(at, self.opens[self.session(at)])

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

    def minute(self, ordinal: int, minute: int) -> int:
        """The instant of a minute of a local day."""
        return self.midnights[ordinal - self.first_ordinal] + minute * MINUTE

    def ordinal(self, at: int) -> int:
        """The local day of an instant, as `date.toordinal` counts days."""
        if not self.midnights[0] <= at < self.midnights[-1]:
            raise OutsideCalendar(f"{_shown(at)} is not within the days of the calendar")
        return self.first_ordinal + bisect_right(self.midnights, at) - 1

    def _first_session(self, ordinal: int) -> int:
        i = bisect_left(self.ordinals, ordinal)
        if i == len(self.ordinals):
            raise self._too_late()
        return i

    def _too_late(self) -> OutsideCalendar:
        last = f"{date.fromordinal(self.ordinals[-1])}, the last working day of the calendar" if self.ordinals else ""
        return OutsideCalendar(f"the term ends after {last}" if last else "the calendar has no working day")


def _midnight(day: date, zone: ZoneInfo) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def _shown(at: int) -> str:
    return f"{from_micros(at):%Y-%m-%dT%H:%M:%SZ}"
