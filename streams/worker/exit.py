"""How a worker ends: at once, with an exit code and a last log line, whichever thread has failed."""

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
"""A thread that logs so many errors within so many seconds will not recover."""
_SENDER = "kafka.producer.sender"
"""The logger of kafka-python's producer thread, which logs unexpected errors and retries for ever."""


class ExitOnError:
    """Ends the process when any exception but a cancellation leaves its block."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and not isinstance(error, asyncio.CancelledError | GeneratorExit):
            end_process(error)


def end_process(error: BaseException) -> NoReturn:
    """Log why, and end this process at once, without acknowledging anything more."""
    # From here on no other thread logs anything, so that the reason is the last line.
    logging.disable(logging.ERROR)
    status = FAILED
    if isinstance(error, DossierError):
        log.critical("%s", error)
        status = error.exit_code
    elif isinstance(error, KafkaError):
        # These messages name services, never contents of records.
        log.critical("Kafka's client failed: %s: %s", type(error).__name__, " ".join(str(error).split()))
    else:
        log.critical("the worker ends, nothing of this batch is acknowledged", exc_info=error)
    end(status)


def end(status: int) -> NoReturn:
    """End this process at once."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)


def end_when_a_thread_fails(stopping: Callable[[], bool]) -> None:
    """From now on, end the process when any thread fails, unless `stopping` says that it is stopping anyway.

    Otherwise a thread that nobody waits for could die, or retry for ever, while the process seems healthy.
    """

    def died(failed: threading.ExceptHookArgs) -> None:
        if stopping():
            threading.__excepthook__(failed)
        else:
            end_process(failed.exc_value or RuntimeError("a thread died"))

    threading.excepthook = died
    logging.getLogger(_SENDER).addHandler(_RepeatedErrors(stopping))


class _RepeatedErrors(logging.Handler):
    """Ends the process when a thread keeps logging exceptions."""

    def __init__(self, stopping: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.ERROR)
        self._stopping = stopping
        self._clock = clock
        self._times: deque[float] = deque(maxlen=_MOST)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is None or record.exc_info[1] is None or self._stopping():
            return
        self._times.append(self._clock())
        if len(self._times) == _MOST and self._times[-1] - self._times[0] < _WITHIN_SECONDS:
            end_process(record.exc_info[1])
