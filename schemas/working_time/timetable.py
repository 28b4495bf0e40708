"""Timetables: all working time of a calendar as one line on which instants have positions.

A position is working time since the first day, in ticks. Where hours are counted, a day has as many ticks as it lasts
in microseconds; where days are, all days have the same, and half days half of them. Within a day, positions advance
evenly. So a term is an addition of positions, and everything is integers below 2^63, in Python and in numpy alike.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.errors import OutsideCalendar
from schemas.instant import from_micros, to_micros
from schemas.reference.validity import ONE_DAY
from schemas.working_time.day import SHARES, Day
from schemas.working_time.day_rule import Kind
from schemas.working_time.duration import Unit
from schemas.working_time.hours import Hours

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

    def __init__(self, zone: ZoneInfo, days: Sequence[Day]) -> None:
        self.first_ordinal = days[0].day.toordinal()
        self.midnights = array("q", _midnights(self.first_ordinal, len(days), zone))
        shapes: dict[tuple[Kind, tuple[Hours, ...], int], _Shape] = {}
        worked: list[tuple[int, int, _Shape]] = []
        for ordinal, day in enumerate(days, self.first_ordinal):
            if day.hours:
                key = (day.kind, day.hours, day.same_day_until)
                shape = shapes.get(key)
                if shape is None:
                    shape = shapes[key] = _shape(day, [minute * MINUTE for minute in range(1441)])
                midnight = self.midnight(ordinal)
                if self.midnight(ordinal + 1) - midnight != 1440 * MINUTE:
                    # Clocks are put forward or back within the day.
                    shape = _shape(day, [_local(ordinal, minute, zone) - midnight for minute in range(1441)])
                if shape.opens:
                    worked.append((ordinal, midnight, shape))
        self.opens = array("q", [at + each for _, at, shape in worked for each in shape.opens])
        self.closes = array("q", [at + each for _, at, shape in worked for each in shape.closes])
        self.cut_offs = array("q", [at + shape.cut_off for _, at, shape in worked for _ in shape.opens])
        self.ordinals = array("q", [ordinal for ordinal, _, shape in worked for _ in shape.opens])
        self.worked = array("q", [each for _, _, shape in worked for each in shape.worked])
        self.minutes = array("q", [shape.minutes for _, _, shape in worked for _ in shape.opens])
        self.end = self.closes[-1] if self.closes else self.midnights[0]
        shapes_of_days = [shape for _, _, shape in worked]
        self.by_hours = _scale(shapes_of_days, [shape.minutes for shape in shapes_of_days])
        self.by_days = _scale(shapes_of_days, [shape.weight for shape in shapes_of_days])

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
    """What all days of the same hours have in common; times are microseconds after midnight."""

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
        worked[:-1],
        minutes[day.same_day_until],
        worked[-1] // MINUTE,
        int(DAY_MINUTES * SHARES[day.kind]),
    )


def _scale(shapes: Sequence[_Shape], weights: Sequence[int]) -> Scale:
    """The positions if each day weighs so many minutes."""
    begins = accumulate((weight * MINUTE for weight in weights), initial=0)
    days = list(zip(shapes, weights, begins, strict=False))
    return Scale(
        array("q", [begin for shape, _, begin in days for _ in shape.opens]),
        array(
            "q",
            [
                begin + done * weight // shape.minutes
                for shape, weight, begin in days
                for done in (*shape.worked[1:], shape.minutes * MINUTE)
            ],
        ),
        array("q", [weight for shape, weight, _ in days for _ in shape.opens]),
    )


def _midnights(first: int, days: int, zone: ZoneInfo) -> Iterator[int]:
    """The instants at which so many days begin, and at which the last one ends."""
    at = datetime.fromordinal(first)
    for day in range(days + 1):
        offset = zone.utcoffset(at) or _NOTHING
        yield ((first + day - _EPOCH) * 86_400 - offset.days * 86_400 - offset.seconds) * 1_000_000
        at += ONE_DAY


def _local(ordinal: int, minute: int, zone: ZoneInfo) -> int:
    """The instant of a minute of a local day; of minute 1440, the end of the day."""
    at = datetime.fromordinal(ordinal) + timedelta(minutes=minute)
    return to_micros(at.replace(tzinfo=zone))
