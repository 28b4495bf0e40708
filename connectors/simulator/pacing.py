"""Keeps a rate without drift: each event is due at its own offset from the start, not from the one before."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from schemas.events import Event

SHORTEST = 0.002
"""Shorter waits are skipped, so that thousands of events a second are possible; a later wait makes up for them."""


def paced(
    events: Iterable[tuple[datetime, Event]],
    start: datetime,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Event]:
    """The events, each as long after this call as its instant is after `start`; late events follow at once."""
    begun = clock()
    for at, event in events:
        ahead = (at - start).total_seconds() - (clock() - begun)
        if ahead > SHORTEST:
            sleep(ahead)
        yield event
