"""A worker of the simulation: the real pipeline, whose flushes are done one insert at a time, on request."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from concurrent.futures import Executor, Future
from datetime import datetime
from random import Random
from typing import Any, TypeAlias

from msgspec import Struct

from chaos.memory_state_store import MemoryStateStore
from chaos.memory_store import MemoryStore
from chaos.simulation.log import TOPIC, Log
from chaos.simulation.schedule import Limits
from schemas.dead_letter import DeadLetter
from schemas.tables import PROGRESS, Table
from streams.counting.batch_counting import Counting
from streams.counting.local_state import LocalState
from streams.counting.record import Record
from streams.counting.state_store import StateOrigin
from streams.counting.store_interface import Checkpoint, Row, Store, Stored, WindowRow
from streams.errors import StreamsError
from streams.worker.pipeline import Pipeline
from streams.worker.telemetry import Telemetry

DEAD_TOPIC = Table("dead-letter topic", {})
"""Sending dead letters is one more insert of a flush; its rows are the letters."""
LOCAL_STATE = Table("local state", {})
"""Entering what is confirmed is the last insert of a flush; its two rows are those of facts and those of progress."""
_ORIGIN = StateOrigin(1, "simulated", 0, "simulated", "boot", "folder")
_ROWS_PER_PAGE = 2

Insert: TypeAlias = tuple[Table, Sequence[Any]]


class Code(Struct, frozen=True):
    """The code under test; a mutant replaces it, and a test shows that the simulation detects the mutant."""

    counting: type[Counting] = Counting
    local: type[LocalState] = LocalState
    pipeline: type[Pipeline] = Pipeline
    reads: Callable[[Store], Store] = lambda store: store
    acknowledges_at_once: bool = False
    goes_on_after_a_failed_insert: bool = False


_TELEMETRY = Telemetry()
"""One for all workers: nobody reads it, and a worker is made at every crash."""


class Implied(StreamsError):
    """A row says that others are stored, and they are not."""


class Flush(Future[None]):
    """The writes of a batch in their order; `beside` may be done at any time before the main ones wait for it."""

    def __init__(self, settle: Callable[["Flush"], None]) -> None:
        super().__init__()
        self.main: deque[Insert | None] = deque()
        self.beside: deque[Insert] = deque()
        self._settle = settle

    def result(self, timeout: float | None = None) -> None:  # noqa: ARG002  # nothing here takes time
        """Return when everything is written."""
        self._settle(self)

    def next(self, *, beside: bool) -> deque[Any]:
        """Where the next insert is taken from."""
        self._skip_barrier()
        return self.beside if self.beside and (beside or self.main[0] is None) else self.main

    def confirm(self, queue: deque[Any]) -> None:
        """The first of this queue is written."""
        queue.popleft()
        self._skip_barrier()

    def _skip_barrier(self) -> None:
        """Let the main writes wait no longer than something beside them is left: a gap alone writes only progress."""
        while self.main and self.main[0] is None and not self.beside:
            self.main.popleft()

    @property
    def written(self) -> bool:
        """Whether nothing is left to write."""
        return not self.main and not self.beside


class _Database(Store, Executor):
    """What a worker has for a database, and for the thread that flushes.

    Before every read something else may happen. What a flush writes is only noted, for `Worker.write` to write it.
    """

    def __init__(self, store: MemoryStore, pause: Callable[[], None], settle: Callable[[Flush], None]) -> None:
        self.flushes: deque[Flush] = deque()
        self.implied: list[Insert] = []
        """What the next progress implies."""
        self._store = store
        self._pause = pause
        self._settle = settle
        self._noted: deque[Any] = deque()

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts of the first of these dossiers."""
        self._pause()
        return self._store.read_facts(dossiers, max_bytes)

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """Position and counts of those of these that have a row."""
        self._pause()
        return self._store.read_windows(windows)

    def read_newest(self, partition: int) -> int:
        """The start of the newest window of the partition."""
        self._pause()
        return self._store.read_newest(partition)

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        """The facts of the partition past a position."""
        return self._store.read_facts_past(partition, pos, after, rows)

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """The numbers of the cases of the partition."""
        self._pause()
        return self._store.read_case_numbers(partition, pos)

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """How far each partition of the topic has been counted."""
        self._pause()
        return self._store.read_checkpoints(topic)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Note an insert of the flush that begins."""
        if rows:
            self._noted.append((table, rows))
            if table is not PROGRESS:
                self.implied.append((table, rows))

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Note that these are sent to the dead-letter topic."""
        self.write(DEAD_TOPIC, letters)  # type: ignore[arg-type]  # the rows of this one are letters

    def enter(self, facts: Sequence[Row], progress: Sequence[Row]) -> None:
        """Note that what the flush has written enters local state."""
        self._noted.append((LOCAL_STATE, (facts, progress)))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Begin a flush."""
        flush = Flush(self._settle)
        self.flushes.append(flush)
        self._noted = flush.main
        fn(*args)
        if flush.written:
            self.flushes.pop()
            flush.set_result(None)
        return flush

    def write_beside(self, write: Callable[..., Any], *args: Any) -> Flush:
        """Note an insert of the flush that begins, for which those after it need not wait."""
        flush = self.flushes[-1]
        main, self._noted = self._noted, flush.beside
        write(*args)
        self._noted = main
        return flush


class _Beside(Executor):
    """The thread beside the one that flushes: what it is given may be done until its result is asked for."""

    def __init__(self, database: _Database) -> None:
        self._database = database

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        return _Awaited(self._database.write_beside(fn, *args))


class _Awaited(Future[None]):
    """Asked for its result, it makes the main writes wait for those beside them."""

    def __init__(self, flush: Flush) -> None:
        super().__init__()
        self._flush = flush

    def result(self, timeout: float | None = None) -> None:  # noqa: ARG002  # nothing here takes time
        self._flush.main.append(None)


class Worker:
    """One worker: `next` is the next offset of each partition that it believes to have, `acknowledged` what is flushed.

    `pause` is called wherever something else may happen while it counts.
    """

    def __init__(
        self,
        log: Log,
        store: MemoryStore,
        limits: Limits,
        code: Code,
        pause: Callable[[], None],
        states: MemoryStateStore,
    ) -> None:
        self.next: dict[int, int] = {}
        self.acknowledged: dict[int, int] = {}
        self.skipped: set[int] = set()
        self.busy = False
        self.clock = 0.0
        self._store = store
        self._code = code
        self._pause = pause
        self._now = datetime.min
        self._database = database = _Database(store, pause, self._settle)
        self._states = states if limits.has_state else None
        self._local = code.local(store, TOPIC, page=_ROWS_PER_PAGE)
        self._restoring: Iterator[None] = iter(())
        counting = code.counting(
            log.identity,
            code.reads(database),
            dossiers=limits.dossiers,
            facts_bytes=limits.cached_bytes,
            windows=limits.windows,
            max_effort=limits.effort,
            max_facts_bytes=limits.read_bytes,
            max_numbered=log.numbered,
            local=self._local,
        )
        self._pipeline = code.pipeline(
            counting,
            database,
            database,
            lambda: self._now,
            database,
            _Beside(database),
            _TELEMETRY,
            limits.cadence,
            lambda: self.clock,
            database.enter,
        )

    @property
    def flushes(self) -> deque[Flush]:
        """The flushes that have begun, the oldest first."""
        return self._database.flushes

    def revoke(self, partition: int) -> None:
        """Notify it that it has lost the partition."""
        self._pipeline.revoke({partition})

    def take(self, records: Sequence[Record], now: datetime) -> None:
        """Count these records, and begin to flush what is due."""
        self._now = now
        self.busy = True
        confirmed = self._pipeline.take(records)
        offsets: dict[int, int] = {}
        for record in records:
            offsets[record.partition] = max(offsets.get(record.partition, 0), record.offset + 1)
        if self._code.acknowledges_at_once:
            self.acknowledged |= offsets
        confirmed.add_done_callback(lambda _: self.acknowledged.update(offsets))
        self.busy = False

    def tick(self, seconds: float) -> None:
        """Let time pass, and begin to write what is due."""
        self.clock += seconds
        self._pipeline.flush_due()

    def write(self, *, beside: bool = False, part: float = 1.0, chance: int = 0) -> tuple[Table, int, int] | None:
        """Do the next insert of the flush in flight; returns its table and how many of its rows were written.

        With a `part` below 1 it fails after some rows and is still the next one.
        """
        if not self.flushes:
            return None
        flush = self.flushes[0]
        queue = flush.next(beside=beside)
        table, rows = queue[0]
        if table is LOCAL_STATE:
            self._local.enter(*rows)
            self._confirm(flush, queue)
            return table, 1, 1
        if table is PROGRESS:
            self._check()
        some = rows if part == 1.0 else Random(chance).sample(rows, int(len(rows) * part))
        self._store.write(table, some)
        if part == 1.0 or self._code.goes_on_after_a_failed_insert:
            self._confirm(flush, queue)
        return table, len(some), len(rows)

    def lost(self) -> list[Insert]:
        """The inserts in flight when the worker ends: one of the main ones, one beside."""
        if not self.flushes:
            return []
        flush = self.flushes[0]
        inserts = [insert for queue in (flush.main, flush.beside) if queue and (insert := queue[0]) is not None]
        return [insert for insert in inserts if insert[0] is not LOCAL_STATE]

    def restore(self, steps: int) -> bool:
        """Go on restoring its local state; whether there is one and anything was done."""
        if self._states and not self._local.is_open:
            self._local.open_with(self._states, _ORIGIN)
            self._restoring = iter(())
        for step in range(steps):
            if next(self._restoring, self) is self:
                self._restoring = self._local.restore()
                if next(self._restoring, self) is self:
                    return bool(step)
        return True

    def settle(self) -> None:
        """Write everything."""
        self._pipeline.settle()

    def _settle(self, flush: Flush) -> None:
        while not flush.written:
            self._pause()
            if not flush.written:
                self.write()

    def _confirm(self, flush: Flush, queue: deque[Any]) -> None:
        """The first insert of this queue is done."""
        flush.confirm(queue)
        if flush.written:
            self.flushes.popleft()
            flush.set_result(None)

    def _check(self) -> None:
        """Progress implies everything before it."""
        for table, rows in self._database.implied:
            for row in rows:
                if not self._store.holds(table, row):
                    raise Implied(f"progress is written before a row of {table.name}: {row!s:.100}")
        self._database.implied.clear()
