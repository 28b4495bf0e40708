"""How much of a core an audit takes."""

import time


class Pace:
    """Rests between the parts of an audit, so that it is busy for no more than this share of the time."""

    def __init__(self, share: float = 1.0) -> None:
        self._idle = 1 / share - 1
        self._began = time.monotonic()

    def rest(self) -> None:
        """A part is done."""
        time.sleep((time.monotonic() - self._began) * self._idle)
        self._began = time.monotonic()
