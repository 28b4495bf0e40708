"""Figures that differ by the same amount at each of several checks: a figure that moves between two reads does not."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from clickhouse_driver import Client

CHECKS = 12
"""A small city that never rests may differ by one at each of a few."""
PAUSE_SECONDS = 0.3
_POLL_SECONDS = 0.05
_IS_FILLING = (
    "SELECT status FROM system.view_refreshes WHERE database = currentDatabase() AND view = %(view)s "
    "AND status NOT IN ('Scheduled', 'Disabled')"
)

Place: TypeAlias = tuple[str, ...]
Differing: TypeAlias = Mapping[Place, tuple[int, int]]
"""By the place of a figure, what it is and what it should be; only what differs."""


def lasting(differing: Callable[[], Differing], pause: Callable[[float], None]) -> Differing:
    """What differs at each check by the same amount, as events between two reads change it by another one each time."""
    wrong = differing()
    for _ in range(CHECKS - 1):
        if not wrong:
            break
        pause(PAUSE_SECONDS)
        again = differing()
        wrong = {place: again[place] for place, values in wrong.items() if _by(again.get(place)) == _by(values)}
    return wrong


def refresh(client: Client, views: Iterable[str]) -> None:
    """Fill roll-ups now, one after another; raises what the driver does."""
    for view in views:
        client.execute(f"SYSTEM REFRESH VIEW {view}")
        # Waiting by a statement alone would end with a timeout: a large roll-up takes longer than an answer may.
        while client.execute(_IS_FILLING, {"view": view}):
            time.sleep(_POLL_SECONDS)
        client.execute(f"SYSTEM WAIT VIEW {view}")


def _by(values: tuple[int, int] | None) -> int:
    return values[0] - values[1] if values else 0
