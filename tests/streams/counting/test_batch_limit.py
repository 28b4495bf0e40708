"""What a batch takes is bounded whatever is in it: bytes of facts, changes of windows, windows that are read."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from chaos.memory_store import MemoryDeadLetters, MemoryStore
from schemas.events import Event, Paid, Progressed, Received, Transferred
from schemas.partition import partition_of
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.batch_limit import BYTES, MAX_EFFORT, MAX_FACTS_BYTES, WINDOW_READ
from streams.counting.record import Record
from streams.counting.store_interface import Stored, WindowRow
from streams.counting.write_order import flush
from tests.streams.cases import said
from tests.streams.log import (
    IDENTITY,
    NOW,
    PARTITIONS,
    expected_facts,
    expected_windows,
    log_of,
    record,
    stored_facts,
    stored_windows,
)

NAMES = [name for name in (f"F{number}" for number in range(80)) if partition_of(name, PARTITIONS) == 0][:24]
PAYMENTS = 30
FULL = 5000
"""Bytes of the registers of a dossier with so many payments, at most."""


class MeasuredStore(MemoryStore):
    """Notes how many bytes of facts and how many windows each read returns."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes_read: list[int] = []
        self.windows_read: list[int] = []

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        looked_up, found = super().read_facts(dossiers, max_bytes)
        self.bytes_read.append(sum(len(stored.registers) for stored in found.values()))
        return looked_up, found

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        self.windows_read.append(len(windows))
        return super().read_windows(windows)


def receptions() -> list[Event]:
    return [said(Received, "2026-03-02 08:00", dossier=name, agency="H00") for name in NAMES]


def payments() -> list[Event]:
    """Each of a dossier is in a window of its own."""
    return [
        said(
            Paid,
            f"2026-03-02 {hour:02}:{minute:02}",
            dossier=name,
            transaction=f"T{hour}:{minute}",
            amount=1,
            method="online",
        )
        for name in NAMES
        for hour, minute in ((8 + number // 12, number % 12 * 5) for number in range(PAYMENTS))
    ]


def transfers() -> list[Event]:
    return [
        said(Transferred, "2026-03-03 08:00", dossier=name, agency=f"H{number:02}")
        for number, name in enumerate(NAMES, 1)
    ]


def records(events: Iterable[Event], first: int = 0) -> list[Record]:
    return [record(0, offset, event) for offset, event in zip(count(first), events)]


def batches(counting: Counting, store: MemoryStore, taken: Sequence[Record]) -> Iterator[Batch]:
    """Each batch, once it is written."""
    with ThreadPoolExecutor(1) as beside:
        for batch in counting.count(taken, lambda: None, NOW):
            counting.trim([batch])
            flush(batch, store, MemoryDeadLetters(), beside)
            yield batch


def counted(counting: Counting, store: MemoryStore, taken: Sequence[Record]) -> list[Batch]:
    return list(batches(counting, store, taken))


@pytest.fixture
def store() -> MeasuredStore:
    """Holds dossiers with many payments, of which nobody has anything cached."""
    store = MeasuredStore()
    counted(Counting(IDENTITY, store), store, records([*receptions(), *payments()]))
    assert all(FULL // 2 < len(stored.registers) < FULL for stored in store.read_facts(NAMES, 1 << 30)[1].values())
    store.bytes_read.clear()
    store.windows_read.clear()
    return store


def first_offset() -> int:
    return len(NAMES) * (1 + PAYMENTS)


def test_a_batch_of_full_dossiers_reads_and_caches_a_bounded_number_of_bytes(store: MeasuredStore) -> None:
    counting = Counting(IDENTITY, store, max_facts_bytes=3 * FULL, facts_bytes=2 * FULL)
    steps = [said(Progressed, "2026-03-03 08:00", dossier=name, step="review") for name in NAMES]
    largest_cache = 0
    found = []
    for batch in batches(counting, store, records(steps, first_offset())):
        found.append(batch)
        largest_cache = max(largest_cache, counting.cached_bytes)
    assert len(found) > len(NAMES) // 6
    assert max(store.bytes_read) <= 3 * FULL
    # Beyond its limit the cache keeps only what the last batch has yet to write.
    assert largest_cache <= 4 * FULL
    assert [batch.is_last for batch in found] == [False] * (len(found) - 1) + [True]
    assert stored_facts(store) == expected_facts(log_of(*receptions(), *payments(), *steps))


@pytest.mark.slow
def test_a_dossier_larger_than_may_be_read_at_once_is_a_batch_of_its_own(store: MeasuredStore) -> None:
    found = counted(Counting(IDENTITY, store, max_facts_bytes=10), store, records(transfers(), first_offset()))
    assert [len(batch.facts) for batch in found] == [1] * len(NAMES)
    assert stored_windows(store) == expected_windows(log_of(*receptions(), *payments(), *transfers()))


@pytest.mark.slow
@pytest.mark.parametrize("max_effort", [1, 200, 1000])
def test_no_batch_takes_more_than_its_effort_and_one_event(store: MeasuredStore, max_effort: int) -> None:
    counting = Counting(IDENTITY, store, max_effort=max_effort)
    found = counted(counting, store, records(transfers(), first_offset()))
    # A transfer takes every window of its dossier from one agency to another.
    one_event = 1 + FULL // BYTES + 2 * (PAYMENTS + 1) * (1 + WINDOW_READ)
    assert len(found) >= sum(batch.effort for batch in found) // (max_effort + one_event)
    assert max(batch.effort for batch in found) < max_effort + one_event
    assert max(len(batch.windows) for batch in found) < max_effort + one_event
    assert stored_windows(store) == expected_windows(log_of(*receptions(), *payments(), *transfers()))


def test_windows_that_are_read_end_a_batch_sooner_than_new_ones() -> None:
    store = MeasuredStore()
    names = [name for name in (f"N{number}" for number in range(400)) if partition_of(name, PARTITIONS) == 0]

    def day(prefix: str) -> list[Event]:
        return [
            said(Received, "2026-03-02 08:00", dossier=name, agency=f"{prefix}{number:03}", seq=1)
            for number, name in enumerate(names)
        ]

    new = counted(Counting(IDENTITY, store, max_effort=500), store, records(day("A")))
    assert len(new) == 1
    assert store.windows_read == []
    old = counted(Counting(IDENTITY, store, max_effort=500), store, records(day("B"), len(names)))
    assert len(old) > 1
    assert max(store.windows_read) <= 500 // WINDOW_READ + 1


def test_the_limits_of_the_release_are_a_few_seconds_and_some_hundred_megabytes() -> None:
    assert MAX_EFFORT // WINDOW_READ <= 30_000
    assert MAX_FACTS_BYTES // BYTES <= MAX_EFFORT
