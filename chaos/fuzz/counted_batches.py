"""Hostile records through the batch core: each line is counted or put aside exactly once, and the sums are right."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from chaos.fuzz.column_ranges import misfits
from chaos.fuzz.event_lines import DOSSIERS, hostile_envelope, valid_line
from chaos.memory_store import MemoryStore
from chaos.oracle.expected_rows import Capacity
from schemas.deployment_profile import Profile
from schemas.envelope import MAX_LINES, decode
from schemas.partition import partition_of
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.contributions import contributions
from streams.counting.dead_letter_limit import DeadLetterLimit
from streams.counting.facts import facts_of
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.counting.registers import Registers, fold, pack
from streams.counting.rows import dead_row
from streams.on_time.ruling import built_in_ruling

Log = Sequence[Sequence[Record]]
"""Batches of records; within each partition the offsets follow each other over all of them."""

IDENTITY = Identity("dossier-events", 3, 1, Profile(), built_in_ruling())
NOW = datetime(2026, 6, 1, tzinfo=UTC)
_NUMBERED = 1
"""Numbered registers of a dossier."""


def hostile_log(chance: Random) -> Log:
    """One to three batches of records: timestamps may be any number, and lines be of other partitions."""
    offsets = dict.fromkeys(range(IDENTITY.partitions), 0)
    batches = []
    for _ in range(chance.randrange(1, 4)):
        batch = []
        for _ in range(chance.randrange(1, 5)):
            partition = chance.randrange(IDENTITY.partitions)
            own = [dossier for dossier in DOSSIERS if partition_of(dossier, IDENTITY.partitions) == partition]
            dossiers = DOSSIERS if chance.random() < 0.3 else own
            lines = [valid_line(chance, dossiers), hostile_envelope(chance, dossiers)]
            value = chance.choice((*lines, None if lines[1] is None else b"\n".join(line for line in lines if line)))
            timestamp = chance.choice((1_780_000_000_000, 4_200_000_000_000, chance.randrange(-(2**70), 2**70)))
            batch.append(Record(partition, offsets[partition], timestamp, value))
            offsets[partition] += 1
        batches.append(batch)
    return batches


def counted_wrong(log: Log, outcomes: Counter[str]) -> Iterator[str]:
    """What is wrong after this log was counted, once as it is and then again from its beginning."""
    store = MemoryStore()
    batches = list(_count(log, store))
    yield from _lines_wrong(log, batches, outcomes)
    for table in (EVENTS, WINDOWS, FACTS, DEAD_LETTERS, PROGRESS):
        for row in store.rows[table.name]:
            yield from misfits(table, row)
    yield from _sums_wrong(log, store)
    before = _seen(store)
    for _ in _count([[record for batch in log for record in batch]], store):
        pass
    if _seen(store) != before:
        yield "counting the log again changes what is stored"


def _count(log: Log, store: MemoryStore) -> Iterator[Batch]:
    # Caches and dossiers of almost nothing, so that what is evicted must come back right, and much is one too many.
    # Most of the lines are dead.
    counting = Counting(
        IDENTITY,
        store,
        dossiers=1,
        windows=1,
        dead_letter_limit=DeadLetterLimit(ratio=1),
        max_effort=50,
        max_numbered=_NUMBERED,
    )
    for records in log:
        for batch in counting.count(records, lambda: None, NOW):
            store.write(WINDOWS, batch.windows)
            store.write(FACTS, batch.facts)
            store.write(EVENTS, batch.events)
            store.write(DEAD_LETTERS, [dead_row(letter) for letter in batch.dead])
            store.write(PROGRESS, batch.progress)
            counting.trim([])
            yield batch


def _seen(store: MemoryStore) -> list[object]:
    return [store.newest(table) for table in (WINDOWS, FACTS, EVENTS, DEAD_LETTERS, PROGRESS)]


def _lines_wrong(log: Log, batches: Sequence[Batch], outcomes: Counter[str]) -> Iterator[str]:
    sent: dict[tuple[int, int, int], bytes] = {}
    for record in (record for batch in log for record in batch):
        value = record.value or b""
        lines = value.removesuffix(b"\n").split(b"\n") if value else [b""]
        lines = lines if len(lines) <= MAX_LINES else [value]
        sent |= {(record.partition, record.offset, index): line for index, line in enumerate(lines)}
    rows = [dict(zip(EVENTS.columns, row, strict=True)) for batch in batches for row in batch.events]
    counted: list[Any] = [(row["partition"], row["offset"], row["line"]) for row in rows]
    letters = [letter for batch in batches for letter in batch.dead]
    dead = [(letter.partition, letter.offset, letter.line) for letter in letters]
    if sorted(counted + dead) != sorted(sent):
        yield f"{len(sent)} lines were sent, {len(counted)} counted and {len(dead)} put aside"
    for at, letter in zip(dead, letters, strict=True):
        for reason in ("misplaced", "full"):
            outcomes[reason] += letter.reason == reason
        if letter.line_bytes != sent.get(at):
            yield f"the dead letter of {at} has other bytes than its line"


def _sums_wrong(log: Log, store: MemoryStore) -> Iterator[str]:
    """The facts are the fold of all events that they have room for, the windows the sum over all facts."""
    registers: dict[str, Registers] = {}
    capacity = Capacity(_NUMBERED)
    for record in (record for batch in log for record in batch):
        published_at = datetime.fromtimestamp(record.published / 1000, UTC)
        for _, event in decode(record.value, published_at).events:
            if partition_of(event.dossier, IDENTITY.partitions) == record.partition and capacity.takes(event):
                registers[event.dossier] = fold(registers.get(event.dossier, {}), event)
    stored = {dossier: row["registers"] for (dossier,), row in store.newest(FACTS).items()}
    if stored != {dossier: pack(case) for dossier, case in registers.items() if case}:
        yield "the facts are not the fold of the events"
    sums: Counter[tuple[str, int, int, str]] = Counter()
    for dossier, case in registers.items():
        for window, counters in contributions(facts_of(case), IDENTITY.profile).items():
            for name, amount in counters.items():
                sums[(*window, partition_of(dossier, IDENTITY.partitions), name)] += amount
    found = {
        (*key, name): row[name]
        for key, row in store.newest(WINDOWS).items()
        for name in _counters(WINDOWS)
        if row[name]
    }
    if found != {key: amount for key, amount in sums.items() if amount}:
        yield "the windows are not the sum over the facts"


def _counters(table: Table) -> list[str]:
    return [name for name, kind in table.columns.items() if kind == "Int64"]
