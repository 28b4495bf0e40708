"""A line that says how far a long command is: renewed in place on a terminal, a new one every few seconds elsewhere."""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console

PLAIN_SECONDS = 5.0
_TERMINAL_SECONDS = 0.2


class Report:
    """Writes what `describe` says to standard error; `tick` is cheap and may be called for every row."""

    def __init__(self, describe: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._describe = describe
        self._clock = clock
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._every = PLAIN_SECONDS if self._status is None else _TERMINAL_SECONDS
        self._due = clock() + self._every

    def tick(self) -> None:
        """Say how far it is, if it is time to."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + self._every
        if self._status is not None:
            self._status.update(self._describe())
        else:
            self._console.print(self._describe(), markup=False)

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()
