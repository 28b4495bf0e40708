"""Live traffic: events at a steady rate, from cases whose days pass in seconds."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random

from connectors.simulator.case_life import Arrival, World
from connectors.simulator.office_calendar import CompressedCalendar
from connectors.simulator.simulation_plan import Plan, spread
from schemas.events import Channel, Event

SPEED_UP = 2700.0
"""By default a working day lasts ten seconds, so that dossiers visibly become overdue."""
_NEW = 0.08
"""The share of events that begin a case. A case has eleven, so what is due never piles up."""


def live(plan: Plan, start: datetime, rate: float, speed_up: float = SPEED_UP) -> Iterator[tuple[datetime, Event]]:
    """Yield (instant, event) for ever: event n at start + n / rate exactly, and of something that happened before it.

    The same arguments give the same events. A slot for which nothing is due begins a new case.
    """
    world = World(plan, CompressedCalendar(speed_up))
    draw = Random(plan.seed).random  # noqa: S311
    pending: list[Arrival] = []
    cases = slot = 0
    while True:
        at = start + timedelta(seconds=slot / rate)
        slot += 1
        now = at.timestamp()
        if draw() < _NEW or not pending or pending[0].at > now:
            cases += 1
            reception, *rest = sorted(_case(world, cases, now), key=attrgetter("order"))
            for arrival in rest:
                heapq.heappush(pending, arrival)
            yield at, reception.event
        else:
            yield at, heapq.heappop(pending).event


def _case(world: World, number: int, now: float) -> list[Arrival]:
    place = spread(number, world.plan.seed, 2)
    if place < 20:
        return world.feedback(number, now)
    channel: Channel = "online" if place < 650 else "direct" if place < 950 else "postal"
    return world.dossier(number, now, channel)
