"""Counting and flushing in parallel: batches are counted and wait for their flush while another one is in flight."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from msgspec import Struct

from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.record import Record, in_sequence
from streams.counting.store_interface import Row, Store
from streams.counting.write_order import DeadLetterSink, flush, flush_windows
from streams.errors import LostEvents, TooManyDeadLetters
from streams.on_time.ruling import Ruling
from streams.worker.cadence import AT_ONCE, Cadence, Layer
from streams.worker.telemetry import Telemetry


class Unflushed(Struct):
    """Batches that are counted and not yet confirmed, as one; the records that they are of, and who waits for them."""

    batch: Batch
    records: list[Record] = []
    size: int = 0
    """The bytes of these records."""
    fresh: list[Record] = []
    """Those of them whose windows are not written yet."""
    takes: list[Future[None]] = []

    def ends(self, records: Sequence[Record], takes: Sequence[Future[None]]) -> None:
        """Note that the last batch was the last one of these records, and of what was taken together."""
        self.records += records
        self.fresh += records
        self.size += sum(len(record.value or b"") for record in records)
        self.takes += takes


class Flight(Struct, eq=False):
    """A flush in flight: of everything that waited, or only of the windows of these records."""

    batch: Batch
    done: Future[None]
    began: float
    fresh: list[Record]
    everything: Unflushed | None


class Pipeline:
    """Counts and stores batches of records, one after another; a batch is confirmed when its future is done.

    `take` may block on the database and must be called by one thread at a time; any thread may call the rest. A future
    that fails means that neither its batch nor any later one will be confirmed: end the process, acknowledge nothing.
    `cadence` says when rows are written; `flush_due` must be called now and then, unless it is AT_ONCE. `telemetry` is
    told of each step. A `flusher` must flush one batch at a time, in the order of submission; an `events_executor`
    writes events in parallel. `enter` gets the rows of facts and of progress that are confirmed, in the thread that
    flushes. `watch` is asked before each take for a ruling by which to count from then on; it may settle before.
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
        cadence: Cadence = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
        enter: Callable[[Sequence[Row], Sequence[Row]], None] | None = None,
        watch: Callable[[Callable[[], None]], Ruling | None] | None = None,
    ) -> None:
        self.telemetry = telemetry or Telemetry()
        self._counting = counting
        self._store = store
        self._dead_letters = dead_letters
        self._now = now or (lambda: datetime.now(UTC))
        self._flusher = flusher or ThreadPoolExecutor(1, "flush")
        self._events_executor = events_executor or ThreadPoolExecutor(1, "flush-events")
        self._cadence = cadence
        self._clock = clock
        self._enter = enter
        self._watch = watch
        self._lock = threading.RLock()
        self._waiting: Unflushed | None = None
        self._in_flight: Flight | None = None
        self._windows_at = self._all_at = float("-inf")
        self._failure: BaseException | None = None
        self._is_draining = False
        self._revoked: set[int] = set()

    def revoke(self, partitions: set[int]) -> None:
        """Note that these partitions were revoked; their caches are dropped before the next batch, not now."""
        # Before that: a batch of them that is counted from here on attaches their local state anew.
        self._counting.revoke(partitions)
        self._revoked.update(partitions)

    def drain(self, *, on: bool = True) -> None:
        """From now on everything is written as soon as it is counted, because somebody waits for it; or no longer."""
        self._is_draining = on
        self.flush_due()

    def take(self, records: Sequence[Record]) -> Future[None]:
        """Count the records; the rows that change are written when the cadence says so."""
        while self._revoked:
            self.settle()
            # One by one: the event loop's thread may add another at any moment.
            self._counting.forget([self._revoked.pop()])
        if self._watch and (ruling := self._watch(self.settle)):
            self._counting.adopt(ruling)
        confirmed: Future[None] = Future()
        parts = in_sequence(records)
        for part in parts:
            self.telemetry.batch_started(part)
            began = time.monotonic()
            try:
                for batch in self._counting.count(part, self.settle, self._now()):
                    done = part if batch.is_last else []
                    self.telemetry.batch_counted(batch, len(done), time.monotonic() - began, self._counting.cached)
                    self._add(batch, done, [confirmed] if batch.is_last and part is parts[-1] else [])
                    began = time.monotonic()
            except (LostEvents, TooManyDeadLetters):
                # Otherwise what was counted before would be lost with this process, again at each restart.
                self.settle()
                raise
        return confirmed

    def settle(self) -> None:
        """Return when every batch taken so far is written; raises the error that prevented it."""
        while (flight := self._begin("all")) is not None:
            flight.done.result()
            self._finish(flight.done)
        self._raise_failure()

    def flush_due(self) -> None:
        """Begin to write what is due. What is due while another flush is in flight follows it."""
        with self._lock:
            if (waiting := self._waiting) is None:
                return
            now = self._clock()
            if self._is_draining or self._cadence.is_full(waiting.batch, waiting.size):
                self._begin("all")
            elif layer := self._cadence.due(now - self._windows_at, now - self._all_at):
                self._begin(layer)

    def close(self, seconds: float | None = None) -> bool:
        """Take nothing more and write what was taken; False where that has not ended after so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        ended = True
        while ended and (flight := self._begin("all")) is not None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ended = not wait([flight.done], left).not_done
            if ended:
                self._finish(flight.done)
        self._flusher.shutdown(wait=ended)
        self._events_executor.shutdown(wait=ended)
        return ended

    def _add(self, batch: Batch, records: Sequence[Record], takes: Sequence[Future[None]]) -> None:
        """Let the batch wait for its flush; blocks where too much waits already."""
        with self._lock:
            self._raise_failure()
            waiting = self._waiting
            if waiting is None:
                waiting = self._waiting = Unflushed(batch)
            else:
                waiting.batch.merge(batch)
            waiting.ends(records, takes)
            flying = [self._in_flight.batch] if self._in_flight else []
            self._counting.trim([*flying, waiting.batch])
        while self._waiting is waiting and self._cadence.is_full(waiting.batch, waiting.size):
            if (flight := self._begin("all")) is not None and flight.everything is not waiting:
                flight.done.result()
                self._finish(flight.done)
        self.flush_due()

    def _begin(self, layer: Layer) -> Flight | None:
        """Begin such a flush unless one is in flight, nothing waits, or one failed; returns what is in flight then."""
        with self._lock:
            waiting = self._waiting
            if (
                self._in_flight
                or waiting is None
                or self._failure
                or (layer == "windows" and not waiting.batch.windows)
            ):
                return self._in_flight
            fresh, waiting.fresh = waiting.fresh, []
            self._windows_at = now = self._clock()
            if layer == "all":
                self._waiting, self._all_at = None, now
                batch = waiting.batch
                done = self._flusher.submit(self._flush, batch)
            else:
                batch = waiting.batch.take_windows()
                done = self._flusher.submit(flush_windows, batch, self._store)
            flight = self._in_flight = Flight(batch, done, now, fresh, waiting if layer == "all" else None)
        # A callback that refers to the flight would be a cycle, which keeps its rows until garbage is collected.
        done.add_done_callback(self._finish)
        return flight

    def _flush(self, batch: Batch) -> None:
        flush(batch, self._store, self._dead_letters, self._events_executor)
        if self._enter:
            # Before the batch counts as flushed: what is evicted from the caches from then on is read again.
            self._enter(batch.facts, batch.progress)

    def _finish(self, done: Future[None]) -> None:
        """Confirm what a flush wrote, once, and begin what is due by then."""
        with self._lock:
            flight = self._in_flight
            if flight is None or flight.done is not done:
                return
            self._in_flight = None
            everything = flight.everything
            self._failure = flight.done.exception()
            if self._failure is not None:
                failed = [each for each in (everything, self._waiting) if each]
                self._waiting = None
                for each in failed:
                    for take in each.takes:
                        take.set_exception(self._failure)
                return
            self.telemetry.windows_confirmed(flight.fresh)
            if everything:
                self.telemetry.batch_confirmed(everything.records, everything.batch, self._clock() - flight.began)
                for take in everything.takes:
                    take.set_result(None)
            self.flush_due()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
