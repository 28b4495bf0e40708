"""Ctrl-C and SIGTERM: a wish to stop that is heard between two steps, not in the middle of one."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self, TypeVar

Item = TypeVar("Item")


class Interrupted(Exception):
    """A signal came while nothing was being done but waiting."""


class Stop:
    """Listens to SIGINT and SIGTERM within its block, on the main thread.

    The first signal is only remembered in `signal`, but ends a wait inside `waiting` or `each` by Interrupted. A second
    one is a KeyboardInterrupt wherever the program is.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._waiting = False
        self._before: dict[signal.Signals, object] = {}

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that ended by this signal: 130 for SIGINT, 143 for SIGTERM, else 0."""
        return 128 + self.signal if self.signal else 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A block that a signal may leave at any point, because it changes nothing."""
        self._wait()
        try:
            yield
        finally:
            self._waiting = False

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items; getting the next one is a wait, working on it is not."""
        iterator = iter(items)
        while True:
            self._wait()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._waiting = False
            yield item

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            # Who ignores a signal, as nohup and a script's background jobs do, goes on ignoring it.
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # it came from signal itself

    def _wait(self) -> None:
        self._waiting = True
        if self.signal is not None:
            self._waiting = False
            raise Interrupted

    def _heard(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        if self._waiting:
            self._waiting = False
            raise Interrupted
