"""The world of a schedule: the store, the group that shares the partitions, and workers that crash or will not die."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from chaos.memory_store import MemoryStore
from chaos.simulation.log import TOPIC
from chaos.simulation.schedule import (
    Acknowledge,
    Again,
    Crash,
    Late,
    Move,
    Part,
    Rewind,
    Schedule,
    Skip,
    Step,
    Take,
    Write,
)
from chaos.simulation.worker import DEAD_TOPIC, Code, Insert, Worker
from chaos.verdict import judge, stored_in_memory
from schemas.dead_letter import DeadLetter
from schemas.tables import DEAD_LETTERS, FACTS, TABLES, WINDOWS, Table
from streams.counting.ledger import Ledger
from streams.counting.record import Record, hole
from streams.counting.store import Row
from streams.errors import LostEvents

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_BY_NAME = {table.name: table for table in TABLES}
_AT_LAST = 3
"""Records a partition that the owners take at once to bring the log to its end."""


class Played(Struct, frozen=True):
    """How a schedule ended: what is wrong, and how often what happened."""

    wrong: tuple[str, ...]
    happened: Counter[str]


def play(schedule: Schedule, code: Code | None = None, tell: Callable[[str], None] | None = None) -> Played:
    """Let it all happen, then let the owners count the log to its end, and see what is stored.

    `tell` hears of everything that happens, in words.
    """
    world = _World(schedule, code or Code(), tell)
    try:
        for step in schedule.steps:
            world.do(step)
        world.finish()
    except Exception as error:  # whatever the code under test raises is what is wrong with it
        return Played((f"{type(error).__name__}: {error}",), world.happened)
    return Played(tuple(world.wrong()), world.happened)


class _Store(MemoryStore):
    """The store and the dead-letter topic.

    Notes when rows of one key and position contradict each other: each must be the same state of one log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[DeadLetter] = []
        self.contradictions: list[str] = []
        self._said: dict[tuple[object, ...], Row] = {}

    def write(self, table: Table, rows: Any) -> None:
        if table is DEAD_TOPIC:
            self.letters += rows
            return
        super().write(table, rows)
        if table is FACTS or table is WINDOWS:
            of_key = 2 if table is FACTS else 4  # these columns come first, the position among them
            for row in rows:
                if self._said.setdefault(row[:of_key], row) != row:
                    self.contradictions.append(f"two rows of {table.name} contradict each other: {row[:of_key]}")

    def holds(self, table: Table, row: Any) -> bool:
        return row in self.letters if table is DEAD_TOPIC else super().holds(table, row)


class _World:
    def __init__(self, schedule: Schedule, code: Code, tell: Callable[[str], None] | None) -> None:
        self.happened: Counter[str] = Counter()
        self._schedule = schedule
        self._log = schedule.log
        self._records = schedule.log.records
        self._store = _Store()
        self._code = code
        self._tell = tell
        self._depth = 0
        self._pauses: list[Iterator[tuple[Step, ...]]] = []
        self._late: list[Insert] = []
        self._committed = [0] * schedule.log.partitions
        self._owners = list(schedule.owners)
        self._workers = [self._new_worker(slot) for slot in range(len(schedule.limits))]
        for partition, owner in enumerate(self._owners):
            self._workers[owner].next[partition] = 0
        self._does: dict[type[Step], Callable[[Any], None]] = {
            Take: self._take,
            Write: self._write,
            Acknowledge: self._acknowledge,
            Crash: self._crash,
            Move: self._move,
            Rewind: self._rewind,
            Skip: self._skip,
            Again: self._again,
            Late: self._land,
        }

    def do(self, step: Step) -> None:
        """One step; nothing where it cannot be taken."""
        self._does[type(step)](step)

    def finish(self) -> None:
        """Count the log to its end, whoever has the partitions now."""
        self._say("the owners count the log to its end")
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

    def wrong(self) -> Iterator[str]:
        """What is stored otherwise than the log says."""
        verdict = judge(self._log.expected, stored_in_memory(self._store))
        yield from verdict.examples
        stored = {(p, offset, line): reason for _, p, offset, line, reason, *_ in self._store.final(DEAD_LETTERS)}
        sent = {(letter.partition, letter.offset, letter.line): letter.reason for letter in self._store.letters}
        for name, found in (("table", stored), ("topic", sent)):
            if found != self._log.reasons:
                yield f"the dead letters of the {name} are {found}, should be {self._log.reasons}"
        yield from self._store.contradictions
        reached = {partition: (at.offset, at.seen) for partition, at in self._store.read_reached(TOPIC).items()}
        if reached != self._log.reached:
            yield f"progress is {reached}, should be {self._log.reached}"
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for row in self._store.newest(FACTS).values():
            numbers[row["partition"]].append(row["number"])
        for partition, at in self._store.read_reached(TOPIC).items():
            given = sorted(numbers[partition])
            if given != list(range(1, len(given) + 1)):
                yield f"the cases of partition {partition} have numbers {given}"
            entries = self._log.entries[partition]
            holes = sum(entry.empty for entry in entries)
            if at.ledger != (should := Ledger(len(entries) - holes, holes, len(given))):
                yield f"the ledger of partition {partition} is {at.ledger}, should be {should}"

    def _left(self, slot: int, partition: int) -> bool:
        return self._workers[slot].next[partition] < len(self._records[partition])

    def _new_worker(self, slot: int) -> Worker:
        return Worker(self._log, self._store, self._schedule.limits[slot], self._code, self._pause)

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
        entries = [self._log.entries[r.partition][r.offset] for r in records if not r.is_hole]
        self.happened["events"] += sum(len(entry.lines) for entry in entries)
        self.happened["holes"] += len(records) - len(entries)
        self.happened["batches of a zombie"] += any(self._owners[p] != step.worker for p in partitions)
        self._say(f"worker {step.worker} takes {', '.join(map(_told, records))}")
        skips = bool(worker.skipped & partitions)
        self._pauses.append(iter(step.meanwhile))
        self._depth += 1
        try:
            worker.take(records, NOW + timedelta(seconds=step.clock))
            worker.skipped -= partitions
        except LostEvents as error:
            if not skips:
                raise
            self._say(f"worker {step.worker} ends: {error}")
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
            self._say(f"worker {step.worker} writes {table.name}{failed}")

    def _acknowledge(self, step: Acknowledge) -> None:
        for partition, offset in self._workers[step.worker].acknowledged.items():
            if self._owners[partition] == step.worker and self._committed[partition] != offset:
                self._committed[partition] = offset
                self._say(f"worker {step.worker} commits offset {offset} of partition {partition}")

    def _crash(self, step: Crash) -> None:
        worker = self._workers[step.worker]
        if worker.busy:
            return
        self.happened["crashes"] += 1
        lost = worker.lost()
        if step.late:
            self._late += lost
        self._say(f"worker {step.worker} crashes{_fate(lost, step.late)}")
        self._workers[step.worker] = self._new_worker(step.worker)
        for partition, owner in enumerate(self._owners):
            if owner == step.worker:
                self._assign(partition, step.heir, step.back)
                self._say(f"partition {partition} goes to worker {step.heir}, {self._from(step.heir, partition)}")

    def _move(self, step: Move) -> None:
        self.happened["partitions moved"] += 1
        former = self._owners[step.partition]
        if step.told:
            self._workers[former].revoke(step.partition)
        if step.stops:
            self._workers[former].next.pop(step.partition, None)
        self._assign(step.partition, step.to, step.back)
        told = "is told" if step.told else "is not told"
        stops = "stops" if step.stops else "goes on"
        self._say(
            f"partition {step.partition} goes from worker {former}, which {told} and {stops}, to worker {step.to}, "
            f"{self._from(step.to, step.partition)}"
        )

    def _rewind(self, step: Rewind) -> None:
        worker = self._workers[step.worker]
        if worker.next.get(step.partition):
            self.happened["redeliveries"] += 1
            worker.next[step.partition] = max(0, worker.next[step.partition] - step.back)
            self._say(f"worker {step.worker} gets records again, {self._from(step.worker, step.partition)}")

    def _skip(self, step: Skip) -> None:
        worker, partition = self._workers[step.worker], step.partition
        if partition in worker.next and worker.next[partition] + step.records < len(self._records[partition]):
            self.happened["records left out"] += 1
            worker.next[partition] += step.records
            worker.skipped.add(partition)
            self._say(f"worker {step.worker} misses records, it goes on {self._from(step.worker, partition)}")

    def _again(self, step: Again) -> None:
        rows = self._store.rows[step.table]
        first = int(len(rows) * step.place)
        if some := rows[first : first + step.rows]:
            self.happened["inserts delivered again"] += 1
            self._say(f"an old insert of {len(some)} rows into {step.table} arrives again")
            self._store.write(_BY_NAME[step.table], some)

    def _land(self, step: Late) -> None:
        if self._late:
            self.happened["inserts after a crash"] += 1
            table, rows = self._late.pop(0)
            some = rows if step.part == 1.0 else Random(step.chance).sample(rows, int(len(rows) * step.part))
            self._say(f"an insert of a worker that crashed arrives: {len(some)} of {len(rows)} rows into {table.name}")
            self._store.write(table, some)

    def _from(self, slot: int, partition: int) -> str:
        return f"from {partition}@{self._workers[slot].next[partition]}"

    def _say(self, text: str) -> None:
        if self._tell:
            self._tell("  " * self._depth + text)


def _told(record: Record) -> str:
    at = f"{record.partition}@{record.offset}"
    return f"the hole {record.partition}@{record.first} to {at}" if record.is_hole else at


def _joined(records: Sequence[Record]) -> list[Record]:
    """The records as a consumer hands them out: offsets that hold nothing and follow each other are one hole."""
    found: list[Record] = []
    for record in records:
        if found and found[-1].is_hole and record.is_hole:
            record = hole(record.partition, found.pop().first, record.offset)
        found.append(record)
    return found


def _fate(inserts: list[Insert], late: bool) -> str:
    if not inserts:
        return ""
    tables = " and ".join(table.name for table, _ in inserts)
    return f", its inserts into {tables} are {'still on their way' if late else 'lost'}"
