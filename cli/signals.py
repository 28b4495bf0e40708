"""Signals that stop a command: Ctrl-C, `dossier down` or a supervisor, a closed terminal."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Self, TypeVar

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Item = TypeVar("Item")


class Terminated(SystemExit):
    """SIGTERM or SIGHUP, raised in the main thread as Ctrl-C is; ends the process with 128 + the signal's number."""


class Interrupted(Exception):
    """A signal came during a wait."""


@contextmanager
def stop_signals(first: Callable[[], None], later: Callable[[], None]) -> Iterator[None]:
    """While entered, the first signal calls `first` and raises KeyboardInterrupt or Terminated in the main thread.

    Each later one only calls `later`: an exception could interrupt the cleanup that the first one began.
    """
    count = 0

    def handle(number: int) -> None:
        nonlocal count
        count += 1
        if count > 1:
            later()
            return
        first()
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(128 + number)

    with _handled(handle):
        yield


class Stop:
    """Stops a command between two steps of work, not in the middle of one; a context manager.

    The first signal is stored in `signal`, and ends a wait inside `waiting` or `each` with Interrupted. A second one
    raises KeyboardInterrupt wherever the program is.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._waiting = False
        self._handled: AbstractContextManager[None] = _handled(self._on_signal)

    @property
    def exit_code(self) -> int:
        """The exit code of a program that a signal ended: 128 + its number, or 0 without one."""
        return 128 + self.signal if self.signal else 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A block that a signal may interrupt at any point, because it changes nothing."""
        self._wait()
        try:
            yield
        finally:
            self._waiting = False

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items; a signal may interrupt getting the next one, but not the work on it."""
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
        self._handled.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._handled.__exit__(None, None, None)

    def _wait(self) -> None:
        self._waiting = True
        if self.signal is not None:
            self._waiting = False
            raise Interrupted

    def _on_signal(self, number: int) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        if self._waiting:
            self._waiting = False
            raise Interrupted


@contextmanager
def _handled(handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` for the signals; one that was ignored (nohup, a background job of a script) stays ignored."""

    def called(number: int, _frame: FrameType | None) -> None:
        handle(number)

    handled = [number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, called) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
