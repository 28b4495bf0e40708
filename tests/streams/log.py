"""Logs for counting: partitions of records, what they must add up to, and the same records cut into batches."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from chaos.memory_store import MemoryStore
from schemas.counters import COUNTERS
from schemas.envelope import encode, encode_event
from schemas.events import (
    AnyEvent,
    Event,
    Extended,
    Paid,
    Rated,
    Received,
    Refunded,
    Reopened,
    Resolved,
    Returned,
    TermSet,
    Transferred,
    Voided,
)
from schemas.instant import to_micros
from schemas.partition import partition_of
from schemas.tables import FACTS, WINDOWS
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.counting.registers import Registers, fold, pack
from streams.counting.rows import facts_row
from streams.counting.store_interface import Stored
from streams.on_time.ruling import built_in_ruling
from tests.streams.cases import INSTANT, at, said

PARTITIONS = 2
IDENTITY = Identity("test-events", PARTITIONS, 1, INSTANT, built_in_ruling())
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PUBLISHED = to_micros(NOW) // 1000
DOSSIERS = tuple(f"D{number}" for number in range(8))

Log = Mapping[int, Sequence[Record]]
"""The records of each partition, in the order of their offsets."""


def record(partition: int, offset: int, *lines: Event | bytes, timestamp: int = PUBLISHED) -> Record:
    """A record of these events, or of lines that may be none."""
    encoded = [line if isinstance(line, bytes) else encode_event(line) for line in lines]
    return Record(partition, offset, timestamp, encode(encoded))


def log_of(*events: Event) -> Log:
    """A log of one event a record, each in the partition where it belongs."""
    log: dict[int, list[Record]] = {partition: [] for partition in range(PARTITIONS)}
    for event in events:
        partition = partition_of(event.dossier, PARTITIONS)
        log[partition].append(record(partition, len(log[partition]), event))
    return log


def random_log(random: Random, records: int = 12) -> Log:
    """So many records a partition: few dossiers, agencies and windows, so that events meet; repeats; broken lines."""
    log: dict[int, list[Record]] = {}
    for partition in range(PARTITIONS):
        dossiers = [dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == partition]
        said_before: list[Event | bytes] = [b"{", b'{"kind":"unknown"}']
        log[partition] = []
        for offset in range(records):
            lines = [
                random.choice(said_before) if random.random() < 0.15 else random_event(random, random.choice(dossiers))
                for _ in range(random.randint(1, 3))
            ]
            said_before += lines
            log[partition].append(record(partition, offset, *lines))
    return log


def random_event(random: Random, dossier: str) -> Event:
    """An event in one of three windows that says something that counts."""
    when = f"2026-03-02 08:{random.choice((0, 5, 10)):02}:{random.randrange(60):02}"
    kind, fields = random.choice(
        (
            (Received, {"agency": random.choice(("H01", "H02")), "channel": "online", "fee_bearing": True}),
            (Received, {"agency": random.choice(("H01", "H02"))}),
            (Received, {"agency": random.choice(("H01", "H02")), "channel": "postal"}),
            (Transferred, {"agency": random.choice(("H01", "H02"))}),
            (TermSet, {"term": at("2026-03-02 08:07")}),
            (Extended, {"term": at("2026-03-02 08:12"), "number": random.randint(1, 2)}),
            (Resolved, {}),
            (Returned, {}),
            (Reopened, {}),
            (Voided, {"voided": random.random() < 0.3}),
            (Paid, {"transaction": random.choice("ab"), "amount": random.randint(1, 9), "method": "online"}),
            (Refunded, {"transaction": random.choice("ab"), "amount": random.randint(1, 9)}),
            (Rated, {"satisfied": random.random() < 0.5}),
        )
    )
    return said(kind, when, dossier=dossier, id=f"e{random.randrange(10**6)}", seq=random.randrange(9), **fields)


def batches(log: Log, random: Random) -> Iterator[list[Record]]:
    """The records of the log cut into batches at random, some of one partition and some of several."""
    left = {partition: list(records) for partition, records in log.items()}
    while any(left.values()):
        # Partitions mix as they please; within one, the broker's order holds.
        turns = [
            partition for partition, records in left.items() for _ in range(random.randint(0, min(4, len(records))))
        ]
        random.shuffle(turns)
        if turns:
            yield [left[partition].pop(0) for partition in turns]


def folded(log: Log) -> dict[str, Registers]:
    """The registers of every dossier, from all its events at once."""
    registers: dict[str, Registers] = {}
    for event in events_of(log):
        registers[event.dossier] = fold(registers.get(event.dossier, {}), event)
    return registers


def expected_facts(log: Log) -> dict[str, dict[str, Any]]:
    """The rows of facts that the log adds up to, without their positions."""
    found = {}
    for dossier, registers in folded(log).items():
        if not registers:
            continue  # an amendment of nothing says nothing
        stored = Stored(0, pack(registers))
        row = facts_row(dossier, partition_of(dossier, PARTITIONS), stored, facts_of(registers), IDENTITY.profile)
        found[dossier] = _without_position(dict(zip(FACTS.columns, row, strict=True)))
    return found


def expected_windows(log: Log) -> dict[tuple[Any, ...], dict[str, int]]:
    """The counts of every window by (agency, start, partition), from the final facts; those that are not nought."""
    found: dict[tuple[Any, ...], dict[str, int]] = defaultdict(dict)
    for dossier, registers in folded(log).items():
        for window, counters in contributions(facts_of(registers), IDENTITY.profile).items():
            counted = found[(*window, partition_of(dossier, PARTITIONS))]
            for counter, amount in counters.items():
                counted[counter] = counted.get(counter, 0) + amount
    return dict(found)


def lines_of(log: Log) -> Iterator[tuple[tuple[int, int, int], AnyEvent | None]]:
    """Every line by (partition, offset, line), and the event in it, if it is one."""
    for partition, records in log.items():
        for entry in records:
            for index, line in enumerate((entry.value or b"").split(b"\n")):
                try:
                    yield (partition, entry.offset, index), msgspec.json.decode(line, type=AnyEvent)
                except msgspec.DecodeError:
                    yield (partition, entry.offset, index), None


def events_of(log: Log) -> Iterator[AnyEvent]:
    """Every line that is an event, in the order of the log."""
    return (event for _, event in lines_of(log) if event is not None)


def stored_facts(store: MemoryStore) -> dict[str, dict[str, Any]]:
    """The facts the store shows, comparable to the expected ones."""
    return {dossier: _without_position(row) for (dossier,), row in store.newest(FACTS).items()}


def stored_windows(store: MemoryStore) -> dict[tuple[Any, ...], dict[str, int]]:
    """The counts the store shows, comparable to the expected ones."""
    found = {}
    for key, row in store.newest(WINDOWS).items():
        if counted := {counter: row[counter] for counter in COUNTERS if row[counter]}:
            found[key] = counted
    return found


def _without_position(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("pos", "number")}
