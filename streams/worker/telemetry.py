"""What a worker tells of itself: its metrics, and whether it is well."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import psutil
from msgspec import Struct, field

from schemas.tables import DEAD_LETTERS as DEAD_LETTERS_TABLE
from streams.alerts.overdue import Look
from streams.counting.batch import Batch
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.monitoring import metrics
from streams.monitoring.metrics import Meters
from streams.worker.heartbeat import Pulse, quantile

log = logging.getLogger(__name__)

STALL_SECONDS = 60.0
BEAT_SECONDS = 1.0
ENDS_SECONDS = 5.0
"""How often the event loop shows that it turns, and how often the broker is asked where partitions end."""
_PATIENCE_SECONDS = 5.0
"""An operation that takes longer is waited for."""
_TELL_SECONDS = 10.0
_RECENT_BATCHES = 100
_REMEMBERED = 10_000


class Health(Struct, frozen=True):
    """Whether a worker is well. `live` is False only where a restart may help, `ready` where nothing is counted."""

    live: bool
    ready: bool
    state: str
    partitions: int = 0
    lag_records: int = 0
    seconds_since_progress: float = 0.0


class _Partition(Struct):
    """An owned partition: the next offset to count, where the log ends, and what is being counted."""

    next_offset: int | None = None
    end: int = 0
    stable: int = 0
    """Up to where it can be read: what comes then waits for an open transaction."""
    taken: deque[tuple[int, float]] = field(default_factory=deque)
    """The last offset of each part that is under way, and its first timestamp in milliseconds."""
    waits_since: float | None = None

    @property
    def lag(self) -> int:
        return max(0, self.end - self.next_offset) if self.next_offset is not None else 0

    @property
    def readable(self) -> int:
        """Of these, how many can be read already."""
        return max(0, min(self.end, self.stable) - self.next_offset) if self.next_offset is not None else 0


class _Operation(Struct):
    """A read, an insert or a sending that has begun, and what went wrong with it last."""

    name: str
    table: str
    since: float
    trouble: str = ""


class _SincePulse(Struct):
    """What was done since the last pulse; times in seconds."""

    events: int = 0
    dead: int = 0
    freshness: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    inserts: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))


class Watch:
    """Hears what happens in a worker, from any thread, and answers for it.

    `clock` is in seconds and does not jump; `now` is Unix time. Without records that wait, nothing ever stalls.
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
        self._partitions: dict[int, _Partition] = {}
        self._is_member = False
        self._operations: dict[int, _Operation] = {}
        self._moved = self._told = clock()
        self._beat: float | None = None
        self._ends_known: float | None = None
        self._recent: deque[tuple[int, int]] = deque(maxlen=_RECENT_BATCHES)
        self._untold = [0, 0]
        self._since_pulse = _SincePulse()

    def built(self, version: str, identity: Identity) -> None:
        """What runs."""
        self._meters.set(metrics.BUILD, 1, version, identity.profile.rules, str(identity.epoch))

    def assigned(self, partitions: Collection[int]) -> None:
        """The partitions are divided; these are ours. What was under way in others does not matter any more."""
        self._meters.add(metrics.REBALANCES, 1)
        with self._lock:
            self._is_member = True
            self._partitions = {number: _Partition() for number in partitions}
            self._moved = self._clock()

    def revoked(self) -> None:
        """The partitions are about to be divided anew."""
        with self._lock:
            self._is_member = False
            self._partitions = {}

    def beat(self) -> None:
        """The event loop turns."""
        self._beat = self._clock()

    def ends(self, ends: Mapping[int, int], stable: Mapping[int, int] | None = None) -> None:
        """Where these partitions end, as the broker just said; `stable`, where an open transaction begins before."""
        now = self._clock()
        with self._lock:
            if self._ends_known is None or now - self._ends_known > 3 * ENDS_SECONDS:
                # It was away: what could not move until now did not stall.
                self._moved = now
            self._ends_known = now
            for number, end in ends.items():
                if number in self._partitions:
                    self._partitions[number].end = max(end, self._partitions[number].end)
                    self._partitions[number].stable = (stable or ends)[number]

    def committed(self, offsets: Mapping[int, int]) -> None:
        """The offsets from which partitions go on, told before anything of them is taken."""
        with self._lock:
            for number, offset in offsets.items():
                state = self._partitions.get(number)
                if state is not None and state.next_offset is None:
                    state.next_offset = offset

    def uncommitted(self) -> list[int]:
        """The owned partitions of which it is not known where they go on."""
        with self._lock:
            return [number for number, state in self._partitions.items() if state.next_offset is None]

    def taken(self, records: Sequence[Record]) -> None:
        """These records are being counted."""
        with self._lock:
            for number, run in _by_partition(records).items():
                if state := self._partitions.get(number):
                    if state.next_offset is None or run[0].offset < state.next_offset:
                        state.next_offset = run[0].offset
                    state.end = max(state.end, run[-1].offset + 1)
                    published = next((record.published for record in run if not record.is_gap), self._now() * 1000)
                    state.taken.append((run[-1].offset, published))

    def counted(self, batch: Batch, records: int, seconds: float, cached: Mapping[str, int]) -> None:
        """A batch was counted and is about to be written; `cached` says what is remembered."""
        self._meters.observe(metrics.BATCH_RECORDS, records)
        self._meters.observe(metrics.BATCH_EVENTS, len(batch.events))
        self._meters.observe(metrics.BATCH_SECONDS, seconds, "count")
        for what, number in cached.items():
            self._meters.set(metrics.CACHED, number, what)

    def confirmed(self, records: Sequence[Record], batch: Batch, seconds: float) -> None:
        """Everything of these records is written."""
        now = self._now()
        holding = [record for record in records if not record.is_gap]
        self._meters.observe(metrics.BATCH_SECONDS, seconds, "flush")
        self._meters.add(metrics.RECORDS, len(holding))
        self._meters.add(metrics.EVENTS, len(batch.events))
        self._meters.set(metrics.LAST_BATCH, now)
        ages = [max(0.0, now - record.published / 1000) for record in holding]
        for age in ages:
            self._meters.observe(metrics.FRESHNESS, age)
        for letter in batch.dead:
            self._meters.add(metrics.DEAD_LETTERS, 1, letter.reason)
        with self._lock:
            for number, run in _by_partition(records).items():
                if state := self._partitions.get(number):
                    last = run[-1].offset
                    state.next_offset = max(last + 1, state.next_offset or 0)
                    state.waits_since = None
                    while state.taken and state.taken[0][0] <= last:
                        state.taken.popleft()
            self._moved = self._clock()
            self._recent.append((len(holding), len(batch.events)))
            self._since_pulse.events += len(batch.events)
            self._since_pulse.dead += len(batch.dead)
            self._since_pulse.freshness += ages
            self._untold[0] += len(holding)
            self._untold[1] += len(batch.events)
        self._tell()

    @contextmanager
    def operation(self, name: str, table: str) -> Iterator[None]:
        """A block that reads, inserts or sends, in this thread."""
        began = self._clock()
        me = threading.get_ident()
        with self._lock:
            self._operations[me] = _Operation(name, table, began)
        try:
            yield
        finally:
            with self._lock:
                del self._operations[me]
                self._moved = self._clock()
                if name == "insert":
                    self._since_pulse.inserts.append(self._moved - began)
            self._meters.observe(metrics.OPERATION_SECONDS, self._clock() - began, name, table)

    def retried(self, trouble: str) -> None:
        """What this thread has begun is tried again, because of this."""
        with self._lock:
            operation = self._operations.get(threading.get_ident())
            if operation is None:
                return
            operation.trouble = trouble
        self._meters.add(metrics.RETRIES, 1, operation.name, operation.table)

    def health(self) -> Health:
        """Whether all is well at this moment."""
        with self._lock:
            now = self._clock()
            lag = sum(state.lag for state in self._partitions.values())
            readable = sum(state.readable for state in self._partitions.values())
            under_way = any(state.taken for state in self._partitions.values())
            if not readable and not under_way:
                self._moved = now
            waiting = min(self._operations.values(), key=lambda each: each.since, default=None)
            stalled = now - self._moved
            broker_seconds = now - (self._ends_known if self._ends_known is not None else now)
            is_member, partitions = self._is_member, len(self._partitions)
        broker_is_away = broker_seconds > 3 * ENDS_SECONDS

        def health(live: bool, ready: bool, state: str) -> Health:
            return Health(live, ready, state, partitions, lag, round(stalled, 1))

        if self._beat is not None and now - self._beat > self._stall_seconds:
            return health(False, False, f"the event loop has not turned for {now - self._beat:.0f} s")
        if waiting is not None and now - waiting.since > _PATIENCE_SECONDS:
            what = f"{waiting.name} of {waiting.table}, for {now - waiting.since:.0f} s"
            service = "Kafka" if waiting.table == TOPIC else "ClickHouse"
            return health(True, False, f"waiting for {service}: {waiting.trouble or 'no answer yet'} ({what})")
        if waiting is None and stalled > self._stall_seconds and is_member and (under_way or not broker_is_away):
            # Nothing is asked of any service, and yet nothing moves: here a restart helps.
            return health(False, False, f"{lag} records wait, and nothing was done for {stalled:.0f} s")
        if broker_is_away:
            return health(True, False, f"waiting for Kafka: no answer for {broker_seconds:.0f} s")
        if not is_member:
            return health(True, False, "not a member of the group yet")
        if lag and not readable and not under_way:
            return health(True, True, f"waiting for an open transaction to end: {lag} records at most are behind it")
        return health(True, True, "counting" if lag or under_way else "idle: everything is counted")

    def looked(self, look: Look, seconds: float) -> None:
        """The worker looked for late dossiers."""
        for alert in look.alerts:
            self._meters.add(metrics.ALERTS, 1, alert.state, alert.level)
        self._meters.clear(metrics.ALERTS_STANDING)
        for level, number in look.standing.items():
            self._meters.set(metrics.ALERTS_STANDING, number, level)
        self._meters.set(metrics.ALERTS_SECONDS, seconds)
        self._meters.set(metrics.ALERTS_LOOKED, self._now())

    def pulse(self, worker: str) -> Pulse:
        """How this worker does, and what it did since it was asked last."""
        with self._lock:
            lags = list(self._lags().values())
            since, self._since_pulse = self._since_pulse, _SincePulse()
            waiting = sum(lag for lag, _ in lags)
            return Pulse(
                at=datetime.fromtimestamp(self._now(), UTC),
                worker=worker,
                partitions=len(lags),
                lag_records=waiting,
                lag_events=round(waiting * self._events_a_record()),
                lag_seconds=max((seconds for _, seconds in lags), default=0.0),
                events=since.events,
                dead=since.dead,
                freshness_p50=quantile(since.freshness, 0.5),
                freshness_p99=quantile(since.freshness, 0.99),
                insert_p50=quantile(since.inserts, 0.5),
                insert_p99=quantile(since.inserts, 0.99),
            )

    def page(self) -> bytes:
        """The metrics, as of now."""
        with self._lock:
            partitions = {str(number): lag for number, lag in self._lags().items()}
            offsets = {str(number): state.next_offset for number, state in self._partitions.items()}
            events_a_record = self._events_a_record()
        # A partition that went to another worker must not go on being shown with what it was here.
        for metric in (metrics.LAG_RECORDS, metrics.LAG_SECONDS, metrics.OFFSET):
            self._meters.clear(metric)
        for number, (lag, seconds) in partitions.items():
            self._meters.set(metrics.LAG_RECORDS, lag, number)
            self._meters.set(metrics.LAG_SECONDS, seconds, number)
            if offset := offsets[number]:
                self._meters.set(metrics.OFFSET, offset - 1, number)
        self._meters.set(metrics.PARTITIONS, len(partitions))
        self._meters.set(metrics.LAG_EVENTS, sum(lag for lag, _ in partitions.values()) * events_a_record)
        self._meters.set(metrics.MEMORY, psutil.Process().memory_info().rss)
        return self._meters.page()

    def _lags(self) -> dict[int, tuple[int, float]]:
        now, today = self._clock(), self._now()
        return {number: self._lag(state, now, today) for number, state in self._partitions.items()}

    def _events_a_record(self) -> float:
        """Of late."""
        records = sum(records for records, _ in self._recent)
        return sum(events for _, events in self._recent) / max(1, records)

    def _lag(self, state: _Partition, now: float, today: float) -> tuple[int, float]:
        """Records that wait, and for how many seconds the first of them has."""
        if state.taken:
            return state.lag, max(0.0, today - state.taken[0][1] / 1000)
        if not state.lag:
            state.waits_since = None
            return 0, 0.0
        # Not fetched yet, so its timestamp is not known: since it was first seen here.
        state.waits_since = now if state.waits_since is None else state.waits_since
        return state.lag, now - state.waits_since

    def _tell(self) -> None:
        """A line of progress now and then; `confirmed` is the only caller, one thread at a time."""
        now = self._clock()
        if now - self._told < _TELL_SECONDS:
            return
        with self._lock:
            lag = sum(state.lag for state in self._partitions.values())
        records, events = self._untold
        seconds = round(now - self._told, 1)
        log.info("counted", extra={"records": records, "events": events, "seconds": seconds, "lag": lag})
        self._told, self._untold = now, [0, 0]


TOPIC = f"{DEAD_LETTERS_TABLE.name}_topic"
"""What dead letters are sent to, among the tables that are written."""


def _by_partition(records: Sequence[Record]) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record)
    return found
