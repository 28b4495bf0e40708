"""The share of the time that audits may be busy."""

import time
from collections.abc import Callable


class Throttle:
    """Rests after each part of an audit, so that it is busy for at most this share of the time.

    `idle` is called with the seconds of each rest.
    """

    def __init__(
        self,
        share: float = 1.0,
        idle: Callable[[float], None] = time.sleep,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle = idle
        self._clock = clock
        self._rest_per_second = 1 / share - 1
        self._busy_since = clock()

    @property
    def owed(self) -> float:
        """The seconds of rest for what was done since the last rest."""
        return (self._clock() - self._busy_since) * self._rest_per_second

    def rest(self) -> None:
        """Rest, as a part is done."""
        self._idle(self.owed)
        self._busy_since = self._clock()
