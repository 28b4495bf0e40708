"""Timetables: all working time of a calendar as one line on which instants have positions.

A position is working time since the first day, in ticks. Where hours are counted, a day has as many ticks as it lasts
in microseconds; where days are, all days have the same, and half days half of them. Within a day, positions advance
evenly. So a term is an addition of positions, and everything is integers below 2^63, in Python and in numpy alike.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from schemas.errors import OutsideCalendar
from schemas.instant import from_micros, to_micros
from schemas.reference.validity import ONE_DAY
from schemas.working_time.day import SHARES, Day
from schemas.working_time.duration import Unit

Integers: TypeAlias = NDArray[np.int64]
MINUTE = 60_000_000
"""Microseconds."""
DAY_MINUTES = 1_965_600
"""What a working day weighs. Days of 6, 6½, 7, 7½, 8, 9 and 10 hours divide it, half days of 3, 3½, 4 and 4½ its half.

Positions within days of other lengths are rounded, by less than a microsecond of work.
"""
TICKS: dict[Unit, int] = {"working hours": 60 * MINUTE, "working days": DAY_MINUTES * MINUTE, "days": 1}
"""How many ticks each unit has; months have none in common."""
_EPOCH = date(1970, 1, 1).toordinal()
_NOTHING = timedelta()


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

    def __init__(self, zone: ZoneInfo, first_ordinal: int, kinds: Sequence[Day], kind_of: Integers) -> None:
        """All days from the first one on: of each the number of its kind. A kind is like some day of it."""
        self.first_ordinal = first_ordinal
        self.midnights = _midnights(first_ordinal, len(kind_of), zone)
        midnights = np.frombuffer(self.midnights, np.int64)
        usual = [minute * MINUTE for minute in range(1441)]
        shapes = [_shape(day, usual) for day in kinds]
        of_days = kind_of.copy()
        for at in np.flatnonzero(np.diff(midnights) != 1440 * MINUTE).tolist():
            # Clocks are put forward or back within the day.
            day, begin = kinds[kind_of[at]], self.midnights[at]
            if day.hours:
                of_days[at] = len(shapes)
                shapes.append(_shape(day, [_local(first_ordinal + at, each, zone) - begin for each in range(1441)]))
        days = np.repeat(np.arange(len(of_days)), np.array([len(shape.opens) for shape in shapes])[of_days])
        sessions = _Sessions(shapes, of_days, days)
        begins = midnights[days]
        self.opens = _array(begins + sessions.of(lambda shape: shape.opens))
        self.closes = _array(begins + sessions.of(lambda shape: shape.closes))
        self.cut_offs = _array(begins + sessions.of(lambda shape: (shape.cut_off,) * len(shape.opens)))
        self.ordinals = _array(days + first_ordinal)
        self.worked = _array(sessions.of(lambda shape: shape.worked[:-1]))
        self.minutes = _array(sessions.of(lambda shape: (shape.minutes,) * len(shape.opens)))
        self.end = self.closes[-1] if self.closes else self.midnights[0]
        self.by_hours = sessions.scale(lambda shape: shape.minutes)
        self.by_days = sessions.scale(lambda shape: shape.weight)

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


class _Shape(NamedTuple):
    """What all days of the same hours have in common; times are microseconds after midnight.

    `worked` is what was worked before each stretch, and by the end of the last one.
    """

    opens: tuple[int, ...]
    closes: tuple[int, ...]
    worked: tuple[int, ...]
    cut_off: int
    minutes: int
    weight: int


def _shape(day: Day, minutes: Sequence[int]) -> _Shape:
    """The shape of a day, of which each minute begins so many microseconds after midnight."""
    stretches = [(minutes[opens], minutes[closes]) for opens, closes in day.hours if minutes[opens] < minutes[closes]]
    worked = tuple(accumulate((closes - opens for opens, closes in stretches), initial=0))
    return _Shape(
        tuple(opens for opens, _ in stretches),
        tuple(closes for _, closes in stretches),
        worked,
        minutes[day.same_day_until],
        worked[-1] // MINUTE,
        int(DAY_MINUTES * SHARES[day.kind]),
    )


class _Sessions:
    """Looks values of all sessions up by the shapes of their days; `days` has the place of the day of each."""

    def __init__(self, shapes: Sequence[_Shape], of_days: Integers, days: Integers) -> None:
        self._shapes, self._of_days, self._days = shapes, of_days, days
        counts = [len(shape.opens) for shape in shapes]
        # The first session of each shape in a list of those of all shapes, and of each day in that of all days.
        of_shapes = np.array([0, *accumulate(counts)][:-1], np.int64)
        of_all_days = np.cumsum(np.array(counts)[of_days]) - np.array(counts)[of_days]
        self._places = np.arange(len(days)) - of_all_days[days] + of_shapes[of_days[days]]

    def of(self, value: Callable[[_Shape], Sequence[int]]) -> Integers:
        """The value of each session, which shapes have for each of theirs."""
        values: Integers = np.array([each for shape in self._shapes for each in value(shape)], np.int64)[self._places]
        return values

    def scale(self, weigh: Callable[[_Shape], int]) -> Scale:
        """The positions if each day that is worked weighs so many minutes."""
        weights = [weigh(shape) if shape.opens else 0 for shape in self._shapes]
        of_days = np.array(weights, np.int64)[self._of_days] * MINUTE
        begins = (np.cumsum(of_days) - of_days)[self._days]
        weighed = dict(zip(map(id, self._shapes), weights, strict=True))
        ends = self.of(lambda shape: [done * weighed[id(shape)] // shape.minutes for done in shape.worked[1:]])
        weight = self.of(lambda shape: (weighed[id(shape)],) * len(shape.opens))
        return Scale(_array(begins), _array(begins + ends), _array(weight))


def _array(values: Integers) -> "array[int]":
    """Bisection of single values is several times as fast over these as over arrays of numpy."""
    return array("q", np.ascontiguousarray(values, np.int64).tobytes())


@lru_cache(4)
def _midnights(first: int, days: int, zone: ZoneInfo) -> "array[int]":
    """The instants at which so many days begin, and at which the last one ends."""
    found, at = array("q"), datetime.fromordinal(first)
    for day in range(days + 1):
        offset = zone.utcoffset(at) or _NOTHING
        found.append(((first + day - _EPOCH) * 86_400 - offset.days * 86_400 - offset.seconds) * 1_000_000)
        at += ONE_DAY
    return found


def _local(ordinal: int, minute: int, zone: ZoneInfo) -> int:
    """The instant of a minute of a local day; of minute 1440, the end of the day."""
    at = datetime.fromordinal(ordinal) + timedelta(minutes=minute)
    return to_micros(at.replace(tzinfo=zone))
