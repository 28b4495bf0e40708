"""What a sender may ask for: bounds of a request, and a rate of items."""

import time
from collections.abc import Callable

from msgspec import Struct

_BURST_SECONDS = 10.0
"""How many seconds' worth may come at once."""


class Limits(Struct, frozen=True):
    """Bounds of the receiver. `logins` is a minute's number of attempts for a user name, `seconds` a request's time."""

    body: int = 4 * 1024 * 1024
    items: int = 500
    requests: int = 256
    logins: int = 10
    seconds: float = 30.0


class Rate:
    """A bucket that holds the worth of some seconds, so that a burst passes. For one thread."""

    def __init__(
        self, per_second: float, now: Callable[[], float] = time.monotonic, burst: float = _BURST_SECONDS
    ) -> None:
        self._per_second = per_second
        self._most = per_second * burst
        self._held = self._most
        self._now = now
        self._at = now()

    def take(self, amount: int) -> float:
        """Take this much and return 0, or take nothing and return the seconds until there is as much.

        More than the bucket can hold is given once the bucket is full, and owed then.
        """
        now = self._now()
        self._held = min(self._most, self._held + (now - self._at) * self._per_second)
        self._at = now
        needed = min(amount, self._most)
        if self._held < needed:
            return (needed - self._held) / self._per_second
        self._held -= amount
        return 0.0


class Rates:
    """A rate for each name, of which the least recently used are forgotten."""

    def __init__(
        self, most: int = 10_000, now: Callable[[], float] = time.monotonic, burst: float = _BURST_SECONDS
    ) -> None:
        self._burst = burst
        self._rates: dict[str, Rate] = {}
        self._most = most
        self._now = now

    def take(self, name: str, per_second: float, amount: int) -> float:
        """As Rate.take does for this name."""
        rate = self._rates.pop(name, None) or Rate(per_second, self._now, self._burst)
        self._rates[name] = rate
        if len(self._rates) > self._most:
            del self._rates[next(iter(self._rates))]
        return rate.take(amount)
