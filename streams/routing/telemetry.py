"""What a router says about itself: its metrics, and whether it is healthy."""

import threading
import time
from collections import Counter
from collections.abc import Mapping

import psutil
from msgspec import Struct

from streams.monitoring import metrics
from streams.monitoring.metrics import Meters
from streams.routing.batch import Batch

READY_SECONDS = 15.0
"""A router that has not turned for so long waits for a service, or hangs."""
STALL_SECONDS = 300.0
"""No wait for a service lasts so long without an error: a router that has neither turned nor failed hangs."""


class RouterHealth(Struct, frozen=True):
    """Whether a restart may help (`live` is False), whether records are routed, and the last failure since."""

    live: bool
    ready: bool
    state: str


class RouterTelemetry:
    """Any thread may call any method; times are seconds of a monotonic clock."""

    def __init__(self, now: float | None = None) -> None:
        self._meters = Meters(metrics.ROUTER)
        self._lock = threading.Lock()
        self._began = self._stirred = time.monotonic() if now is None else now
        self._turned: float | None = None
        self._failure = ""

    def turned(self, batch: Batch | None, lag: Mapping[int, int], now: float | None = None) -> None:
        """Records were asked for, and what came was routed."""
        with self._lock:
            self._turned = self._stirred = time.monotonic() if now is None else now
            self._failure = ""
        self._meters.set(metrics.ROUTER_TURNED, time.time())
        self._meters.clear(metrics.ROUTER_LAG)
        for partition, records in lag.items():
            self._meters.set(metrics.ROUTER_LAG, records, str(partition))
        if batch is not None:
            self._meters.add(metrics.ROUTED_RECORDS, batch.records)
            self._meters.add(metrics.ROUTED_EVENTS, len(batch.events))
            for reason, letters in Counter(letter.reason for letter in batch.letters).items():
                self._meters.add(metrics.ROUTED_LETTERS, letters, reason)

    def failed(self, failure: str, now: float | None = None) -> None:
        """A service failed: routing begins again behind the last commit."""
        with self._lock:
            self._stirred = time.monotonic() if now is None else now
            self._failure = failure
        self._meters.add(metrics.ROUTER_RESUMED, 1)

    def health(self, now: float | None = None) -> RouterHealth:
        """The health at this time."""
        at = time.monotonic() if now is None else now
        with self._lock:
            stirred, turned, failure = self._stirred, self._turned, self._failure
        if at - stirred > STALL_SECONDS:
            return RouterHealth(False, False, f"stalled: nothing happened for {at - stirred:.0f} s")
        if failure:
            return RouterHealth(True, False, f"waiting: {failure}")
        if turned is None or at - turned > READY_SECONDS:
            return RouterHealth(True, False, "waiting for Kafka")
        return RouterHealth(True, True, "routing")

    def page(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self._meters.set(metrics.MEMORY, psutil.Process().memory_info().rss)
        return self._meters.page()
