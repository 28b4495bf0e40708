"""Counting and flushing in parallel: one flush may be in flight while the next batch is counted."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import partial

from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.record import Record, in_sequence
from streams.counting.store_interface import Row, Store
from streams.counting.write_order import DeadLetterSink, flush
from streams.worker.telemetry import Telemetry


class Pipeline:
    """Counts and stores batches of records, one after another; a batch is confirmed when its future is done.

    `take` may block on the database and must be called by one thread at a time. A future that fails means that neither
    its batch nor any later one will be confirmed: end the process, acknowledge nothing. `telemetry` is told of each
    step. A `flusher` must flush one batch at a time, in the order of submission; an `events_executor` writes events
    in parallel. `enter` gets the rows of facts and of progress that are confirmed, in the thread that flushes.
    """

    def __init__(
        self,
        counting: Counting,
        store: Store,
        dead_letters: DeadLetterSink,
        now: Callable[[], datetime] | None = None,
        flusher: Executor | None = None,
        events_executor: Executor | None = None,
        telemetry: Telemetry | None = None,
        enter: Callable[[Sequence[Row], Sequence[Row]], None] | None = None,
    ) -> None:
        self.telemetry = telemetry or Telemetry()
        self._counting = counting
        self._store = store
        self._dead_letters = dead_letters
        self._now = now or (lambda: datetime.now(UTC))
        self._flusher = flusher or ThreadPoolExecutor(1, "flush")
        self._events_executor = events_executor or ThreadPoolExecutor(1, "flush-events")
        self._enter = enter
        self._in_flight: Future[None] | None = None
        self._revoked: set[int] = set()

    def revoke(self, partitions: set[int]) -> None:
        """Note that these partitions were revoked; their caches are dropped before the next batch, not now."""
        self._revoked.update(partitions)

    def take(self, records: Sequence[Record]) -> Future[None]:
        """Count the records and begin to write the rows that change."""
        while self._revoked:
            self.settle()
            # One by one: the event loop's thread may add another at any moment.
            self._counting.forget([self._revoked.pop()])
        for part in in_sequence(records):
            self.telemetry.batch_started(part)
            began = time.monotonic()
            for batch in self._counting.count(part, self.settle, self._now()):
                done = part if batch.is_last else []
                self.telemetry.batch_counted(batch, len(done), time.monotonic() - began, self._counting.cached)
                self.settle()
                self._counting.trim(batch)
                began = time.monotonic()
                self._in_flight = flushed = self._flusher.submit(self._write, batch)
                flushed.add_done_callback(partial(self._confirmed, done, batch, began))
        return flushed

    def settle(self) -> None:
        """Return when every batch taken so far is written; raises the error that prevented it."""
        if self._in_flight is not None:
            self._in_flight.result()

    def _write(self, batch: Batch) -> None:
        flush(batch, self._store, self._dead_letters, self._events_executor)
        if self._enter:
            # Before the batch counts as flushed: what is evicted from the caches from then on is read again.
            self._enter(batch.facts, batch.progress)

    def _confirmed(self, records: Sequence[Record], batch: Batch, began: float, flushed: Future[None]) -> None:
        if flushed.exception() is None:
            self.telemetry.batch_confirmed(records, batch, time.monotonic() - began)

    def close(self, seconds: float | None = None) -> bool:
        """Take nothing more and wait for the flush in flight; False where it has not ended after so many seconds."""
        ended = self._in_flight is None or not wait([self._in_flight], seconds).not_done
        self._flusher.shutdown(wait=ended)
        self._events_executor.shutdown(wait=ended)
        return ended
