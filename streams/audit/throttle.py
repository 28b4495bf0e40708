"""How much of a core an audit takes."""

import time
from collections.abc import Callable


class Throttle:
    """Rests between the parts of an audit, so that it is busy for no more than this share of the time.

    `idle` is called with the seconds of each rest, and may do something else meanwhile.
    """

    def __init__(self, share: float = 1.0, idle: Callable[[float], None] = time.sleep) -> None:
        self._idle = idle
        self._rest = 1 / share - 1
        self._began = time.monotonic()

    def rest(self) -> None:
        """A part is done."""
        self._idle((time.monotonic() - self._began) * self._rest)
        self._began = time.monotonic()
