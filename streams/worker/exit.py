"""How a worker ends: at once, with a code and one last line that says why, whichever thread something failed in."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from aiokafka.errors import KafkaError

from schemas.errors import DossierError

log = logging.getLogger(__name__)

FAILED = 70
_MOST, _WITHIN_SECONDS = 10, 10.0
"""So many errors in so short a time, and a thread that goes on after each will never do better."""
_SENDER = "kafka.producer.sender"
"""The thread of kafka-python's producer logs what it does not expect, and begins again."""


class Deadly:
    """Ends the process when anything but a cancellation leaves its block."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and not isinstance(error, asyncio.CancelledError | GeneratorExit):
            end_process(error)


def end_process(error: BaseException) -> NoReturn:
    """Say why in the last line of the log, and end this process at once, without acknowledging anything more."""
    status = FAILED
    if isinstance(error, DossierError):
        log.critical("%s", error)
        status = error.exit_code
    elif isinstance(error, KafkaError):
        # These speak of services, never of what records say.
        log.critical("Kafka's client failed: %s: %s", type(error).__name__, " ".join(str(error).split()))
    else:
        log.critical("the worker ends, nothing of this batch is acknowledged", exc_info=error)
    end(status)


def end(status: int) -> NoReturn:
    """End this process at once."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)


def end_with_threads(stops: Callable[[], bool]) -> None:
    """From now on end the process with any of its threads, as long as it does not stop anyway.

    A thread that nobody waits for would die, or go round in circles, and the process seem to be well.
    """

    def died(failed: threading.ExceptHookArgs) -> None:
        if stops():
            threading.__excepthook__(failed)
        else:
            end_process(failed.exc_value or RuntimeError("a thread died"))

    threading.excepthook = died
    logging.getLogger(_SENDER).addHandler(_Circles(stops))


class _Circles(logging.Handler):
    """Ends the process when a thread logs one exception after another."""

    def __init__(self, stops: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.ERROR)
        self._stops = stops
        self._clock = clock
        self._times: deque[float] = deque(maxlen=_MOST)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is None or record.exc_info[1] is None or self._stops():
            return
        self._times.append(self._clock())
        if len(self._times) == _MOST and self._times[-1] - self._times[0] < _WITHIN_SECONDS:
            end_process(record.exc_info[1])
