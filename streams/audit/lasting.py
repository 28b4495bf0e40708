"""Figures that differ by the same amount at each of several checks: a figure that moves between two reads does not."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

CHECKS = 12
"""A small city that never rests may differ by one at each of a few."""
PAUSE_SECONDS = 0.3

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


def _by(values: tuple[int, int] | None) -> int:
    return values[0] - values[1] if values else 0
