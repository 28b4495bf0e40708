"""How long the harness waits for a deployment before it calls it stuck."""

import time

PATIENCE_SECONDS = 300.0
"""A busy machine is slow, a stuck deployment never gets there."""


class Stuck(AssertionError):
    """The deployment did not recover by itself."""


class Deadline:
    """The time by which something must have happened; `what` names it in the error."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._at = time.monotonic() + PATIENCE_SECONDS

    def check(self, state: str) -> None:
        """Raise Stuck, with the current state, once the time is over."""
        if time.monotonic() > self._at:
            raise Stuck(f"waited {PATIENCE_SECONDS:.0f} s for {self._what}: {state}")
