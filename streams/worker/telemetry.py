"""What a worker reports of itself: metrics, health and heartbeats."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psutil

from streams.alerts.overdue import Scan
from streams.counting.batch import Batch
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.monitoring import metrics
from streams.monitoring.metrics import Meters
from streams.worker.health import BROKER_AWAY_SECONDS, STALL_SECONDS, Activity, Health, health_of
from streams.worker.heartbeat_row import Heartbeat, WorkDone, heartbeat_of
from streams.worker.lag import PartitionLags
from streams.worker.operations_in_progress import Operations

log = logging.getLogger(__name__)

_LOG_SECONDS = 10.0
_RECENT_BATCHES = 100


class Telemetry:
    """Is told what happens in a worker, and answers for it. Any thread may call any method.

    `clock` is in seconds and monotonic; `now` is Unix time. A worker without waiting records never stalls.
    """

    def __init__(
        self,
        stall_seconds: float = STALL_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._now = now
        self._meters = Meters(metrics.WORKER)
        self._lock = threading.Lock()
        self._lags = PartitionLags()
        self._is_member = False
        self._operations = Operations()
        self._progress_at = self._logged_at = clock()
        self._loop_at: float | None = None
        self._ends_at: float | None = None
        self._recent: deque[tuple[int, int]] = deque(maxlen=_RECENT_BATCHES)
        self._unlogged_records = self._unlogged_events = 0
        self._since_heartbeat = WorkDone()

    def built(self, version: str, identity: Identity) -> None:
        """What runs: the version, and the rules and epoch of the counts."""
        self._meters.set(metrics.BUILD, 1, version, identity.profile.rules, str(identity.epoch))

    def assigned(self, partitions: Collection[int]) -> None:
        """The group was rebalanced, and these partitions belong to this worker."""
        self._meters.add(metrics.REBALANCES, 1)
        with self._lock:
            self._is_member = True
            self._lags.assign(partitions)
            self._progress_at = self._clock()

    def revoked(self) -> None:
        """The group is about to be rebalanced."""
        with self._lock:
            self._is_member = False
            self._lags.assign(())

    def loop_turned(self) -> None:
        """The event loop turns."""
        self._loop_at = self._clock()

    def ends_read(self, ends: Mapping[int, int], stable: Mapping[int, int] | None = None) -> None:
        """The broker returned these end offsets, and the last stable offsets where transactions are open."""
        now = self._clock()
        with self._lock:
            if self._ends_at is None or now - self._ends_at > BROKER_AWAY_SECONDS:
                # The broker was away: what could not progress until now has not stalled.
                self._progress_at = now
            self._ends_at = now
            self._lags.ends_read(ends, stable or ends)

    def committed_read(self, offsets: Mapping[int, int]) -> None:
        """The broker returned these committed offsets, before any record of their partitions is counted."""
        with self._lock:
            self._lags.committed_read(offsets)

    def without_position(self) -> list[int]:
        """The owned partitions whose next offset is not known yet."""
        with self._lock:
            return self._lags.without_position()

    def batch_started(self, records: Sequence[Record]) -> None:
        """These records are being counted."""
        with self._lock:
            self._lags.started(records, self._now())

    def batch_counted(self, batch: Batch, records: int, seconds: float, cached: Mapping[str, int]) -> None:
        """A batch was counted and is about to be written; `cached` are the sizes of the caches."""
        self._meters.observe(metrics.BATCH_RECORDS, records)
        self._meters.observe(metrics.BATCH_EVENTS, len(batch.events))
        self._meters.observe(metrics.BATCH_SECONDS, seconds, "count")
        for what, number in cached.items():
            self._meters.set(metrics.CACHED, number, what)

    def windows_confirmed(self, records: Sequence[Record]) -> None:
        """The windows of these records are stored: wallboards show them."""
        now = self._now()
        ages = [max(0.0, now - record.published / 1000) for record in records if not record.is_gap]
        for age in ages:
            self._meters.observe(metrics.FRESHNESS, age)
        with self._lock:
            self._progress_at = self._clock()
            self._since_heartbeat.freshness += ages

    def batch_confirmed(self, records: Sequence[Record], batch: Batch, seconds: float) -> None:
        """Everything of these records is stored; for one thread at a time."""
        holding = [record for record in records if not record.is_gap]
        self._meters.observe(metrics.BATCH_SECONDS, seconds, "flush")
        self._meters.add(metrics.RECORDS, len(holding))
        self._meters.add(metrics.EVENTS, len(batch.events))
        self._meters.set(metrics.LAST_BATCH, self._now())
        for dead_letter in batch.dead:
            self._meters.add(metrics.DEAD_LETTERS, 1, dead_letter.reason)
        with self._lock:
            self._lags.confirmed(records)
            self._progress_at = self._clock()
            self._recent.append((len(holding), len(batch.events)))
            self._since_heartbeat.events += len(batch.events)
            self._since_heartbeat.dead += len(batch.dead)
            self._unlogged_records += len(holding)
            self._unlogged_events += len(batch.events)
        self._log_progress()

    def state_restored(self, partitions: int) -> None:
        """Local state is complete of so many partitions."""
        self._meters.set(metrics.STATE_PARTITIONS, partitions)

    def state_failed(self) -> None:
        """Local state cannot be used."""
        self._meters.add(metrics.STATE_FAILURES, 1)

    @contextmanager
    def operation(self, name: str, table: str) -> Iterator[None]:
        """A block that reads, inserts or sends, in this thread."""
        began = self._clock()
        with self._lock:
            self._operations.begin(name, table, began)
        try:
            yield
        finally:
            with self._lock:
                self._operations.end()
                self._progress_at = self._clock()
                if name == "insert":
                    self._since_heartbeat.inserts.append(self._progress_at - began)
            self._meters.observe(metrics.OPERATION_SECONDS, self._clock() - began, name, table)

    def operation_retried(self, failure: str) -> None:
        """The operation of this thread failed like this, and is retried."""
        with self._lock:
            operation = self._operations.failed(failure)
        if operation is not None:
            self._meters.add(metrics.RETRIES, 1, operation.name, operation.table)

    def scanned(self, scan: Scan, seconds: float) -> None:
        """The worker scanned for late dossiers."""
        for alert in scan.alerts:
            self._meters.add(metrics.ALERTS, 1, alert.state, alert.level)
        self._meters.clear(metrics.ALERTS_STANDING)
        for level, number in scan.standing.items():
            self._meters.set(metrics.ALERTS_STANDING, number, level)
        self._meters.set(metrics.ALERTS_SECONDS, seconds)
        self._meters.set(metrics.ALERTS_LOOKED, self._now())

    def health(self) -> Health:
        """The worker's health at this moment."""
        with self._lock:
            now = self._clock()
            if not self._lags.readable and not self._lags.is_counting:
                self._progress_at = now
            oldest = self._operations.oldest
            activity = Activity(
                is_member=self._is_member,
                partitions=len(self._lags),
                lag_records=self._lags.records,
                readable_records=self._lags.readable,
                is_counting=self._lags.is_counting,
                seconds_since_progress=now - self._progress_at,
                loop_seconds=None if self._loop_at is None else now - self._loop_at,
                broker_seconds=0.0 if self._ends_at is None else now - self._ends_at,
                operation=oldest,
                operation_seconds=now - oldest.since if oldest else 0.0,
            )
            return health_of(activity, self._stall_seconds)

    def heartbeat(self, worker: str) -> Heartbeat:
        """How this worker does, and what it did since the last heartbeat."""
        with self._lock:
            done, self._since_heartbeat = self._since_heartbeat, WorkDone()
            lags = self._lags.by_partition(self._clock(), self._now())
            return heartbeat_of(worker, self._now(), lags, self._events_per_record(), done)

    def page(self) -> bytes:
        """The metrics at this moment."""
        with self._lock:
            lags = self._lags.by_partition(self._clock(), self._now())
            offsets = self._lags.next_offsets()
            events_per_record = self._events_per_record()
        # The figures of a partition that moved to another worker must disappear here.
        for metric in (metrics.LAG_RECORDS, metrics.LAG_SECONDS, metrics.OFFSET):
            self._meters.clear(metric)
        for number, (records, seconds) in lags.items():
            self._meters.set(metrics.LAG_RECORDS, records, str(number))
            self._meters.set(metrics.LAG_SECONDS, seconds, str(number))
            if offset := offsets[number]:
                self._meters.set(metrics.OFFSET, offset - 1, str(number))
        self._meters.set(metrics.PARTITIONS, len(lags))
        self._meters.set(metrics.LAG_EVENTS, sum(records for records, _ in lags.values()) * events_per_record)
        self._meters.set(metrics.MEMORY, psutil.Process().memory_info().rss)
        return self._meters.page()

    def _events_per_record(self) -> float:
        """The average over recent batches."""
        records = sum(records for records, _ in self._recent)
        return sum(events for _, events in self._recent) / max(1, records)

    def _log_progress(self) -> None:
        now = self._clock()
        if now - self._logged_at < _LOG_SECONDS:
            return
        with self._lock:
            lag = self._lags.records
        progress = {"records": self._unlogged_records, "events": self._unlogged_events}
        log.info("counted", extra={**progress, "seconds": round(now - self._logged_at, 1), "lag": lag})
        self._logged_at = now
        self._unlogged_records = self._unlogged_events = 0
