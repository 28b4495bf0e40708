"""Crashes, zombies, redeliveries and evictions at random: the counts are right whatever happens.

The mutants leave out one rule each and must be found out: otherwise the schedules would prove nothing.
"""

from collections.abc import Callable, Collection
from concurrent.futures import Executor
from typing import Any

import pytest

from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS
from streams.batch import Batch, Counting
from streams.counters import Window
from streams.errors import LostEvents
from streams.pipeline import DeadLetters
from streams.rows import dead_row
from streams.store import Store, Stored
from tests.memory import MemoryStore
from tests.streams.schedule import Schedule, SharedStore

SEEDS = range(300)


@pytest.mark.parametrize("block", range(0, len(SEEDS), 50))
def test_the_counts_are_right_whatever_happens(block: int) -> None:
    for seed in SEEDS[block : block + 50]:
        schedule = Schedule(seed)
        schedule.run()
        assert schedule.differences() == [], f"Schedule({seed}).run() finds wrong counts"


def found_out(**options: Any) -> bool:
    """Whether any seed shows that something is wrong."""
    for seed in SEEDS:
        schedule = Schedule(seed, **options)
        try:
            schedule.run()
        except LostEvents:
            return True
        if schedule.differences():
            return True
    return False


def facts_first(batch: Batch, store: Store, _: DeadLetters, __: Executor) -> None:
    store.write(EVENTS, batch.events)
    store.write(FACTS, batch.facts)
    store.write(WINDOWS, batch.windows)
    store.write(DEAD_LETTERS, [dead_row(letter) for letter in batch.dead])
    store.write(PROGRESS, batch.progress)


def test_facts_written_before_windows_are_found_out() -> None:
    assert found_out(flush=facts_first)


class ForgetfulStore(SharedStore):
    """Windows without their positions: every event is applied again."""

    def read_windows(self, partition: int, windows: Collection[Window]) -> dict[Window, tuple[int, list[int]]]:
        return {window: (0, counts) for window, (_, counts) in super().read_windows(partition, windows).items()}


def test_windows_without_their_position_as_a_fence_are_found_out() -> None:
    assert found_out(store=ForgetfulStore)


class WindowsFirstStore(SharedStore):
    """Windows as they were before the facts were read."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(meanwhile)
        self._before = MemoryStore()

    def read_facts(self, dossiers: Collection[str]) -> dict[str, Stored]:
        self._before.rows[WINDOWS.name] = list(self.rows[WINDOWS.name])
        return super().read_facts(dossiers)

    def read_windows(self, partition: int, windows: Collection[Window]) -> dict[Window, tuple[int, list[int]]]:
        return self._before.read_windows(partition, windows)


def test_windows_read_before_facts_are_found_out() -> None:
    assert found_out(store=WindowsFirstStore)


def test_windows_kept_although_facts_are_ahead_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Counting._load_facts

    def keep_windows(self: Counting, state: Any, dossiers: set[str], first: int, settle: Callable[[], None]) -> None:
        load(self, state, dossiers, first + 2**64, settle)

    monkeypatch.setattr(Counting, "_load_facts", keep_windows)
    assert found_out()


def test_rows_evicted_before_they_are_written_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trim = Counting.trim
    monkeypatch.setattr(Counting, "trim", lambda self, _: trim(self, Batch()))
    assert found_out()
