"""Counting and flushing beside each other: one flush may be in flight while the next batch is counted."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import partial

from streams.counting.batch import Batch
from streams.counting.counting import Counting
from streams.counting.record import Record, in_sequence
from streams.counting.store import Store
from streams.counting.write_order import DeadLetters, flush
from streams.worker.telemetry import Watch


class Pipeline:
    """Takes batches of records one after another; each is confirmed when the future it returns is done.

    `take` may block on the database and must be called by one thread at a time. A future that fails means that its
    batch is not confirmed and that nothing after it will be: end the process, acknowledge nothing. `watch` hears of
    each step. A `flusher` of the caller's flushes one batch at a time, in the order in which they are submitted; a
    `beside` writes beside it.
    """

    def __init__(
        self,
        counting: Counting,
        store: Store,
        dead: DeadLetters,
        now: Callable[[], datetime] | None = None,
        flusher: Executor | None = None,
        beside: Executor | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.watch = watch or Watch()
        self._counting = counting
        self._store = store
        self._dead = dead
        self._now = now or (lambda: datetime.now(UTC))
        self._flusher = flusher or ThreadPoolExecutor(1, "flush")
        self._beside = beside or ThreadPoolExecutor(1, "flush-events")
        self._in_flight: Future[None] | None = None
        self._revoked: set[int] = set()

    def revoke(self, partitions: set[int]) -> None:
        """Note that these partitions were lost; what is cached of them is dropped before the next batch, not now."""
        self._revoked.update(partitions)

    def take(self, records: Sequence[Record]) -> Future[None]:
        """Count the records and begin to write what they lead to."""
        while self._revoked:
            self.settle()
            # One by one: the event loop's thread may add another at any moment, and none may be lost.
            self._counting.forget([self._revoked.pop()])
        for part in in_sequence(records):
            self.watch.taken(part)
            began = time.monotonic()
            for batch in self._counting.count(part, self.settle, self._now()):
                done = part if batch.is_last else []
                self.watch.counted(batch, len(done), time.monotonic() - began, self._counting.cached)
                self.settle()
                self._counting.trim(batch)
                began = time.monotonic()
                self._in_flight = flushed = self._flusher.submit(flush, batch, self._store, self._dead, self._beside)
                flushed.add_done_callback(partial(self._confirmed, done, batch, began))
        return flushed

    def settle(self) -> None:
        """Return when every batch taken so far is written; raises what kept it from being so."""
        if self._in_flight is not None:
            self._in_flight.result()

    def _confirmed(self, records: Sequence[Record], batch: Batch, began: float, flushed: Future[None]) -> None:
        if flushed.exception() is None:
            self.watch.confirmed(records, batch, time.monotonic() - began)

    def close(self, seconds: float | None = None) -> bool:
        """Take nothing more and let the flush in flight end; False where it has not after so many seconds."""
        ended = self._in_flight is None or not wait([self._in_flight], seconds).not_done
        self._flusher.shutdown(wait=ended)
        self._beside.shutdown(wait=ended)
        return ended
