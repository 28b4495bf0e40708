"""How a command that runs the platform is told to stop: Ctrl-C, `dossier down`, a closed terminal."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Terminated(SystemExit):
    """SIGTERM or SIGHUP, raised in the main thread as Ctrl-C is; ends the process with 128 + the signal's number."""


@contextlib.contextmanager
def stop_signals(first: Callable[[], None], later: Callable[[], None]) -> Iterator[None]:
    """While entered, the first signal calls `first` and raises KeyboardInterrupt or Terminated in the main thread.

    Each one after it only calls `later`: an exception could break off the very cleaning up that the first one began. A
    signal that was ignored before (nohup, a script's background job) stays ignored.
    """
    count = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 1:
            later()
            return
        first()
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(128 + number)

    heard = [number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
