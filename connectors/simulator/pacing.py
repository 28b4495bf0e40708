"""Keeping a pace without drift: everything at its own instant after the start, not so long after the one before."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from schemas.events import Event

SHORTEST = 0.002
"""Shorter waits are not taken, so that thousands a second are possible; what comes after waits for both."""


def paced(
    events: Iterable[tuple[datetime, Event]],
    start: datetime,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Event]:
    """The events, each as long after this call as its instant is after `start`; what is behind is not waited for."""
    begun = clock()
    for at, event in events:
        ahead = (at - start).total_seconds() - (clock() - begun)
        if ahead > SHORTEST:
            sleep(ahead)
        yield event
