"""A schedule of everything that may go wrong, from a seed: workers in one thread, crashes and zombies among them.

Each worker counts with the real core and flushes by the real order of writes, one write at a time, so that anything may
happen between two of them: its own next batch, another worker's reads and writes, a crash halfway through a write.
"""

from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from random import Random
from typing import Any

from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.batch import Batch, Counting
from streams.counters import Window
from streams.pipeline import DeadLetters, flush
from streams.store import Row, Store, Stored
from tests.memory import KEYS, MemoryDeadLetters, MemoryStore
from tests.streams.log import (
    IDENTITY,
    NOW,
    events_of,
    expected_facts,
    expected_windows,
    lines_of,
    random_log,
    stored_facts,
    stored_windows,
)

Flush = Callable[[Batch, Store, DeadLetters, Executor], None]
_ACTIONS = {"take": 50, "write": 30, "crash": 4, "zombie": 6, "rewind": 3, "revoke": 3, "delayed": 4}


class SharedStore(MemoryStore):
    """A store that lets something else happen before each read."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def read_facts(self, dossiers: Collection[str]) -> dict[str, Stored]:
        self._meanwhile()
        return super().read_facts(dossiers)

    def read_windows(self, partition: int, windows: Collection[Window]) -> dict[Window, tuple[int, list[int]]]:
        self._meanwhile()
        return super().read_windows(partition, windows)


class Schedule:
    """One run: a log, a store, the worker that owns the partitions, and zombies that believe they do."""

    def __init__(
        self, seed: int, *, flush: Flush = flush, store: Callable[[Callable[[], None]], MemoryStore] = SharedStore
    ) -> None:
        self.random = Random(seed)
        self.log = random_log(self.random)
        self.store = store(self._meanwhile)
        self.flush = flush
        self.committed = dict.fromkeys(self.log, 0)
        self.limit = self.random.choice((1, 2, 1000))
        self.zombies: list[Worker] = []
        self.owner = self._new_worker()

    def run(self) -> None:
        """Let 80 things happen at random, then let the owner count the log to its end."""
        for _ in range(80):
            (action,) = self.random.choices(list(_ACTIONS), list(_ACTIONS.values()))
            getattr(self, f"_{action}")()
        while self.owner.behind:
            self.owner.take()
        self.owner.settle()

    def differences(self) -> list[str]:
        """What the store holds otherwise than the log says."""
        found = []
        if stored_facts(self.store) != expected_facts(self.log):
            found.append("facts")
        if stored_windows(self.store) != expected_windows(self.log):
            found.append("windows")
        if {row["dossier"] + row["id"] for row in self.store.newest(EVENTS).values()} != {
            event.dossier + event.id for event in events_of(self.log)
        }:
            found.append("events")
        if self.store.newest(DEAD_LETTERS).keys() != {
            (IDENTITY.topic, *place) for place, event in lines_of(self.log) if event is None
        }:
            found.append("dead letters")
        for table in (FACTS, WINDOWS):
            found += _contradictions(table, self.store.rows[table.name])
        ends = {partition: records[-1].offset for partition, records in self.log.items()}
        if {
            partition: reached.offset for partition, reached in self.store.read_reached(IDENTITY.topic).items()
        } != ends:
            found.append("progress")
        return found

    def _new_worker(self) -> "Worker":
        return Worker(self, {partition: self._earlier(offset) for partition, offset in self.committed.items()})

    def _earlier(self, offset: int) -> int:
        return offset if self.random.random() < 0.7 else self.random.randint(0, offset)

    def _any_worker(self) -> "Worker":
        return self.random.choice([self.owner, self.owner, *self.zombies])

    def _meanwhile(self) -> None:
        while self.random.random() < 0.4:
            self._any_worker().write()

    def _take(self) -> None:
        self._any_worker().take()

    def _write(self) -> None:
        self._any_worker().write()

    def _crash(self) -> None:
        self.owner.write(part=self.random.random())
        self.owner = self._new_worker()

    def _zombie(self) -> None:
        self.zombies.append(self.owner)
        self.owner = self._new_worker()

    def _rewind(self) -> None:
        partition = self.random.choice(list(self.log))
        self.owner.next[partition] = self._earlier(self.committed[partition])

    def _revoke(self) -> None:
        """The partitions go back to an owner of former times, with what it has cached."""
        if self.zombies:
            self.zombies.append(self.owner)
            self.owner = self.zombies.pop(self.random.randrange(len(self.zombies) - 1))
            self.owner.revoked = self.random.random() < 0.5
            self.owner.next = dict(self.committed)

    def _delayed(self) -> None:
        """An insert of long ago arrives once more, in part."""
        rows = self.store.rows[self.random.choice((FACTS, WINDOWS, PROGRESS)).name]
        if rows:
            first = self.random.randrange(len(rows))
            rows.extend(rows[first : first + 3])


class Worker:
    """Takes batches as the pipeline does, but flushes step by step."""

    def __init__(self, schedule: Schedule, first: dict[int, int]) -> None:
        self.next = first
        self.revoked = False
        self._schedule = schedule
        limit = schedule.limit
        self._counting = Counting(IDENTITY, schedule.store, dossiers=limit, windows=limit)
        self._writes: list[tuple[Table, list[Row]]] = []
        self._reached: dict[int, int] = {}

    @property
    def behind(self) -> bool:
        """Whether records are left."""
        return any(self.next[partition] < len(records) for partition, records in self._schedule.log.items())

    def take(self) -> None:
        """Count some records; their flush begins when that of the batch before is done."""
        random = self._schedule.random
        records = [
            record
            for partition, all_ in self._schedule.log.items()
            for record in all_[self.next[partition] :][: random.randint(0, 2)]
        ]
        if not records:
            return
        if self.revoked:
            self.settle()
            self._counting.forget(self.next)
            self.revoked = False
        batch = self._counting.count(records, self.settle, NOW)
        self.settle()
        self._counting.trim(batch)
        recorder = _Recorder()
        self._schedule.flush(batch, recorder, MemoryDeadLetters(), _AtOnce())
        self._writes = recorder.writes
        self._reached = {record.partition: record.offset + 1 for record in records}
        self.next |= self._reached

    def write(self, part: float = 1.0) -> None:
        """Do the next write of the flush in flight, or the first part of it and no more."""
        if self._writes:
            table, rows = self._writes.pop(0)
            rows = self._schedule.random.sample(rows, round(len(rows) * part))
            self._schedule.store.write(table, rows)
            if not self._writes and part == 1.0 and self is self._schedule.owner:
                for partition, offset in self._reached.items():
                    self._schedule.committed[partition] = max(offset, self._schedule.committed[partition])

    def settle(self) -> None:
        """Finish the flush in flight."""
        while self._writes:
            self.write()


class _Recorder(MemoryStore):
    """Notes the writes of a flush in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[tuple[Table, list[Row]]] = []

    def write(self, table: Table, rows: Any) -> None:
        if rows:
            self.writes.append((table, list(rows)))


class _AtOnce(Executor):
    """Does what it is given there and then."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _contradictions(table: Table, rows: list[Row]) -> list[str]:
    """Rows of one key and position that say different things, whoever wrote them: each is a state of one log."""
    key = [list(table.columns).index(column) for column in (*KEYS[table.name], "pos")]
    said: dict[tuple[object, ...], Row] = {}
    return [
        f"{table.name} {row[:4]}" for row in rows if said.setdefault(tuple(row[index] for index in key), row) != row
    ]
