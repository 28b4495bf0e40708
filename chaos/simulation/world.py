"""The world of a schedule: the store, the group that shares the partitions, workers that crash, and zombies."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from chaos.memory_state_store import MemoryStateStore
from chaos.simulation.checks import CheckedStore, errors
from chaos.simulation.log import TOPIC
from chaos.simulation.schedule import Schedule
from chaos.simulation.steps import (
    Acknowledge,
    Again,
    Backup,
    Crash,
    FailState,
    KeepState,
    Late,
    Move,
    Part,
    ReplaceState,
    Restore,
    RestoreBackup,
    Rewind,
    Skip,
    Step,
    Take,
    Tick,
    Write,
)
from chaos.simulation.worker import Code, Insert, Worker
from schemas.tables import TABLES
from streams.counting.record import Record, offset_gap
from streams.errors import LostEvents

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_BY_NAME = {table.name: table for table in TABLES}
_AT_LAST = 3
"""So many records of a partition the owners take at once to count the log to its end."""


class Played(Struct, frozen=True):
    """The end of a schedule: what is wrong, and how often each kind of thing happened."""

    wrong: tuple[str, ...]
    happened: Counter[str]


def play(schedule: Schedule, code: Code | None = None, trace: Callable[[str], None] | None = None) -> Played:
    """Take all steps, let the owners count the log to its end, and check what is stored.

    `trace` gets a line of text for everything that happens.
    """
    world = _World(schedule, code or Code(), trace)
    try:
        for step in schedule.steps:
            world.do(step)
        world.finish()
    except Exception as error:  # any exception of the code under test is an error of it
        return Played((f"{type(error).__name__}: {error}",), world.happened)
    return Played(tuple(errors(schedule.log, world.store)), world.happened)


class _World:
    def __init__(self, schedule: Schedule, code: Code, trace: Callable[[str], None] | None) -> None:
        self.happened: Counter[str] = Counter()
        self._schedule = schedule
        self._log = schedule.log
        self._records = schedule.log.records
        self.store = CheckedStore()
        self._code = code
        self._trace = trace
        self._depth = 0
        self._pauses: list[Iterator[tuple[Step, ...]]] = []
        self._late: list[Insert] = []
        self._committed = [0] * schedule.log.partitions
        self._owners = list(schedule.owners)
        self._states = [MemoryStateStore() for _ in schedule.limits]
        self._copies = [MemoryStateStore() for _ in schedule.limits]
        self._backup = self.store.backup()
        self._workers = [self._new_worker(slot) for slot in range(len(schedule.limits))]
        for partition, owner in enumerate(self._owners):
            self._workers[owner].next[partition] = 0
        self._does: dict[type[Step], Callable[[Any], None]] = {
            Take: self._take,
            Write: self._write,
            Tick: self._tick,
            Acknowledge: self._acknowledge,
            Crash: self._crash,
            Move: self._move,
            Rewind: self._rewind,
            Skip: self._skip,
            Again: self._again,
            Late: self._land,
            Restore: self._restore,
            FailState: self._fail_state,
            KeepState: self._keep_state,
            ReplaceState: self._replace_state,
            Backup: self._back_up,
            RestoreBackup: self._restore_backup,
        }

    def do(self, step: Step) -> None:
        """One step; nothing where it cannot be taken."""
        self._does[type(step)](step)

    def finish(self) -> None:
        """Let the owners of the partitions count the log to its end."""
        self._note("the owners count the log to its end")
        while behind := [p for p, owner in enumerate(self._owners) if self._left(owner, p)]:
            for slot in {self._owners[partition] for partition in behind}:
                parts = tuple([Part(p, _AT_LAST) for p in behind if self._owners[p] == slot])
                self._take(Take(slot, parts))
        for slot in set(self._owners):
            self._workers[slot].settle()
        if self._schedule.afterwards:
            for worker in self._workers:
                worker.settle()
            while self._late:
                self._land(Late())

    def _left(self, slot: int, partition: int) -> bool:
        return self._workers[slot].next[partition] < len(self._records[partition])

    def _new_worker(self, slot: int) -> Worker:
        limits = self._schedule.limits[slot]
        return Worker(self._log, self.store, limits, self._code, self._pause, self._states[slot])

    def _assign(self, partition: int, slot: int, back: int) -> None:
        worker = self._workers[slot]
        self._owners[partition] = slot
        worker.next[partition] = max(0, self._committed[partition] - back)
        worker.acknowledged.pop(partition, None)
        worker.skipped.discard(partition)

    def _pause(self) -> None:
        """Something else happens while a worker counts."""
        if self._pauses:
            for step in next(self._pauses[-1], ()):
                self.do(step)

    def _take(self, step: Take) -> None:
        worker = self._workers[step.worker]
        records = [] if worker.busy else self._deliver(worker, step.parts)
        if not records:
            return
        partitions = {record.partition for record in records}
        self.happened["batches"] += 1
        entries = [self._log.entries[r.partition][r.offset] for r in records if not r.is_gap]
        self.happened["events"] += sum(len(entry.lines) for entry in entries)
        self.happened["offset gaps"] += len(records) - len(entries)
        self.happened["batches of a zombie"] += any(self._owners[p] != step.worker for p in partitions)
        self._note(f"worker {step.worker} takes {', '.join(map(_span, records))}")
        skips = bool(worker.skipped & partitions)
        self._pauses.append(iter(step.meanwhile))
        self._depth += 1
        try:
            worker.take(records, NOW + timedelta(seconds=step.clock))
            worker.skipped -= partitions
        except LostEvents as error:
            if not skips:
                raise
            self._note(f"worker {step.worker} ends: {error}")
            worker.busy = False
            self.do(Crash(step.worker, step.worker))
        finally:
            self._depth -= 1
            self._pauses.pop()

    def _deliver(self, worker: Worker, parts: tuple[Part, ...]) -> list[Record]:
        records = []
        for part in parts:
            if part.partition in worker.next:
                first = max(0, worker.next[part.partition] - part.back)
                some = self._records[part.partition][first : first + part.records]
                worker.next[part.partition] = first + len(some)
                records += _joined(some)
        return records

    def _write(self, step: Write) -> None:
        done = self._workers[step.worker].write(beside=step.beside, part=step.part, chance=step.chance)
        if done:
            table, some, rows = done
            failed = "" if step.part == 1.0 else f": only {some} of {rows} rows, and fails"
            self.happened["failed inserts"] += bool(failed)
            self._note(f"worker {step.worker} writes {table.name}{failed}")

    def _tick(self, step: Tick) -> None:
        worker = self._workers[step.worker]
        before = len(worker.flushes)
        worker.tick(step.seconds)
        if len(worker.flushes) > before:
            self.happened["flushes that were due"] += 1
            self._note(f"after {step.seconds:.0f} s, worker {step.worker} begins to write what is due")

    def _acknowledge(self, step: Acknowledge) -> None:
        for partition, offset in self._workers[step.worker].acknowledged.items():
            if self._owners[partition] == step.worker and self._committed[partition] != offset:
                self._committed[partition] = offset
                self._note(f"worker {step.worker} commits offset {offset} of partition {partition}")

    def _crash(self, step: Crash) -> None:
        worker = self._workers[step.worker]
        if worker.busy:
            return
        self.happened["crashes"] += 1
        lost = worker.lost()
        if step.late:
            self._late += lost
        self._note(f"worker {step.worker} crashes{_fate(lost, step.late)}")
        self._workers[step.worker] = self._new_worker(step.worker)
        for partition, owner in enumerate(self._owners):
            if owner == step.worker:
                self._assign(partition, step.heir, step.back)
                self._note(f"partition {partition} goes to worker {step.heir}, {self._from(step.heir, partition)}")

    def _move(self, step: Move) -> None:
        self.happened["partitions moved"] += 1
        former = self._owners[step.partition]
        if step.notified:
            self._workers[former].revoke(step.partition)
        if step.stops:
            self._workers[former].next.pop(step.partition, None)
        self._assign(step.partition, step.to, step.back)
        notified = "is notified" if step.notified else "is not notified"
        stops = "stops" if step.stops else "goes on"
        self._note(
            f"partition {step.partition} goes from worker {former}, which {notified} and {stops}, to worker {step.to}, "
            f"{self._from(step.to, step.partition)}"
        )

    def _rewind(self, step: Rewind) -> None:
        worker = self._workers[step.worker]
        if worker.next.get(step.partition):
            self.happened["redeliveries"] += 1
            worker.next[step.partition] = max(0, worker.next[step.partition] - step.back)
            self._note(f"worker {step.worker} gets records again, {self._from(step.worker, step.partition)}")

    def _skip(self, step: Skip) -> None:
        worker, partition = self._workers[step.worker], step.partition
        if partition in worker.next and worker.next[partition] + step.records < len(self._records[partition]):
            self.happened["records left out"] += 1
            worker.next[partition] += step.records
            worker.skipped.add(partition)
            self._note(f"worker {step.worker} misses records, it goes on {self._from(step.worker, partition)}")

    def _again(self, step: Again) -> None:
        rows = self.store.rows[step.table]
        first = int(len(rows) * step.place)
        if some := rows[first : first + step.rows]:
            self.happened["inserts delivered again"] += 1
            self._note(f"an old insert of {len(some)} rows into {step.table} arrives again")
            self.store.write(_BY_NAME[step.table], some)

    def _land(self, step: Late) -> None:
        if self._late:
            self.happened["inserts after a crash"] += 1
            table, rows = self._late.pop(0)
            some = rows if step.part == 1.0 else Random(step.chance).sample(rows, int(len(rows) * step.part))
            self._note(f"an insert of a worker that crashed arrives: {len(some)} of {len(rows)} rows into {table.name}")
            self.store.write(table, some)

    def _restore(self, step: Restore) -> None:
        if self._workers[step.worker].restore(step.steps):
            self.happened["steps of restoring"] += 1
            self._note(f"worker {step.worker} restores its local state by up to {step.steps} steps")

    def _fail_state(self, step: FailState) -> None:
        self.happened["failed writes of local state"] += 1
        self._states[step.worker].fails = True
        self._note(f"the next write of the local state of worker {step.worker} fails")

    def _keep_state(self, step: KeepState) -> None:
        self._copies[step.worker].copy_from(self._states[step.worker])
        self._note(f"the local state of worker {step.worker} is copied")

    def _replace_state(self, step: ReplaceState) -> None:
        if self._workers[step.worker].busy:
            return
        self.happened["local states replaced"] += 1
        self.do(Crash(step.worker, step.worker))
        self._states[step.worker].copy_from((self._copies if step.kept else self._states)[step.of])
        which = "the copy of that" if step.kept else "that"
        self._note(f"the local state of worker {step.worker} is replaced by {which} of worker {step.of}")

    def _back_up(self, _: Backup) -> None:
        self._backup = self.store.backup()
        self._note("a backup of the database is taken")

    def _restore_backup(self, _: RestoreBackup) -> None:
        if any(worker.busy for worker in self._workers):
            return
        self.happened["backups restored"] += 1
        self._note("all workers are stopped, and the backup is restored")
        self.store.restore(self._backup)
        self._late.clear()
        reached = self.store.read_checkpoints(TOPIC)
        self._workers = [self._new_worker(slot) for slot in range(len(self._workers))]
        for partition, owner in enumerate(self._owners):
            counted = reached[partition].offset + 1 if partition in reached else 0
            self._committed[partition] = min(self._committed[partition], counted)
            self._assign(partition, owner, 0)

    def _from(self, slot: int, partition: int) -> str:
        return f"from {partition}@{self._workers[slot].next[partition]}"

    def _note(self, text: str) -> None:
        if self._trace:
            self._trace("  " * self._depth + text)


def _span(record: Record) -> str:
    at = f"{record.partition}@{record.offset}"
    return f"the gap {record.partition}@{record.first} to {at}" if record.is_gap else at


def _joined(records: Sequence[Record]) -> list[Record]:
    """The records as a consumer hands them out: empty offsets that follow each other are one gap."""
    found: list[Record] = []
    for record in records:
        if found and found[-1].is_gap and record.is_gap:
            record = offset_gap(record.partition, found.pop().first, record.offset)
        found.append(record)
    return found


def _fate(inserts: list[Insert], late: bool) -> str:
    if not inserts:
        return ""
    tables = " and ".join(table.name for table, _ in inserts)
    return f", its inserts into {tables} are {'still on their way' if late else 'lost'}"
