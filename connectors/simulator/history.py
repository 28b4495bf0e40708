"""Past traffic: a number of dossiers of a period, with events in their order of arrival."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import accumulate, repeat
from operator import itemgetter
from random import Random

from connectors.simulator.case_life import Arrival, World
from connectors.simulator.office_calendar import OfficeCalendar, activity, instant
from connectors.simulator.simulation_plan import Plan
from schemas.events import Channel, Event

_CELL = 900.0
_ONLINE, _POSTAL, _FEEDBACK = 0.65, 0.05, 0.02


def history(
    plan: Plan, begin: datetime, end: datetime, dossiers: int, until: datetime | None = None
) -> Iterator[tuple[datetime, Event]]:
    """Yield (arrival, event) in order of arrival.

    Exactly so many dossiers are received from `begin` up to `end`, 65 % of them online, 5 % by post, and one feedback
    for fifty dossiers. What arrives at `until` (by default `end`) or later has not happened yet: dossiers are still
    open. Of every thousand dossiers exactly the planned share is late in the end. The same arguments give the same
    events.
    """
    limit = (until or end).timestamp()
    pending: list[Arrival] = []
    for received, life in _lives(plan, begin.timestamp(), end.timestamp(), dossiers):
        while pending and pending[0].at < received:
            arrival = heapq.heappop(pending)
            yield instant(arrival.at), arrival.event
        for arrival in life:
            if arrival.at < limit:
                heapq.heappush(pending, arrival)
    while pending:
        arrival = heapq.heappop(pending)
        yield instant(arrival.at), arrival.event


def _lives(plan: Plan, begin: float, end: float, dossiers: int) -> Iterator[tuple[float, list[Arrival]]]:
    world = World(plan, OfficeCalendar())
    online, postal = round(dossiers * _ONLINE), round(dossiers * _POSTAL)
    shares: list[tuple[Channel | None, int]] = [
        ("online", online),
        ("postal", postal),
        ("direct", dossiers - online - postal),
        (None, round(dossiers * _FEEDBACK)),
    ]
    streams = [
        zip(receptions(plan.seed + place, begin, end, count, online=place in (0, 3)), repeat(channel))
        for place, (channel, count) in enumerate(shares)
    ]
    number = feedbacks = 0
    for at, channel in heapq.merge(*streams, key=itemgetter(0)):
        if channel is None:
            # Feedback is numbered backwards, so that it never takes a dossier's number.
            feedbacks += 1
            yield at, world.feedback(10**9 - feedbacks, at)
        else:
            number += 1
            yield at, world.dossier(number, at, channel)


def receptions(seed: int, begin: float, end: float, count: int, *, online: bool) -> Iterator[float]:
    """`count` ascending instants from `begin` up to `end`, as dense as the activity of their hours."""
    cells, widths, cumulated = _activity_by_cell(begin, end, online)
    draw = Random(seed).random  # noqa: S311
    cell, before = 0, 0.0
    for number in range(count):
        target = (number + draw()) / count * cumulated[-1]
        while cumulated[cell] <= target and cell + 1 < len(cells):
            before = cumulated[cell]
            cell += 1
        inside = (target - before) / (cumulated[cell] - before) if cumulated[cell] > before else 0.0
        yield cells[cell] + min(inside, 0.999999) * widths[cell]


@lru_cache(maxsize=2)
def _activity_by_cell(
    begin: float, end: float, online: bool
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """The beginnings of a period's cells, their widths, and the activity up to the end of each.

    Cached: the four streams of a period need only two, and each takes as long as hundreds of dossiers.
    """
    cells = tuple(begin + _CELL * number for number in range(int((end - begin) // _CELL) + 1))
    widths = tuple(min(_CELL, end - at) for at in cells)
    cumulated = tuple(accumulate(activity(at, online=online) * width for at, width in zip(cells, widths, strict=True)))
    # Where no office is open in this period, arrivals are spread evenly.
    return cells, widths, cumulated if cumulated[-1] else tuple(accumulate(widths))
