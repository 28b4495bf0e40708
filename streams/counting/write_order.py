"""The order in which batches are written, by which events count exactly once."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Protocol

from schemas.dead_letter import DeadLetter
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS
from streams.counting.batch import Batch
from streams.counting.rows import dead_row
from streams.counting.store_interface import Store


class DeadLetterSink(Protocol):
    """Where lines go that cannot be counted."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all of them are confirmed; repeats what fails for as long as it takes."""


def flush_windows(batch: Batch, store: Store) -> None:
    """Write the windows; all other rows may wait, since windows may be ahead of facts, but never behind."""
    store.write(WINDOWS, batch.windows.newest(_KEY_OF_WINDOWS))


def flush(batch: Batch, store: Store, dead_letters: DeadLetterSink, beside: Executor) -> None:
    """Write everything: windows, then facts, each confirmed before the next; events beside them; progress last.

    Windows come before facts so that facts at a position imply windows at it: a replay then skips only what the
    windows already hold. Progress comes last so that it implies everything.
    """
    events = beside.submit(store.write, EVENTS, batch.events)
    try:
        flush_windows(batch, store)
        store.write(FACTS, batch.facts.newest(_KEY_OF_FACTS))
        store.write(DEAD_LETTERS, [dead_row(letter) for letter in batch.dead])
        dead_letters.send(batch.dead)
    finally:
        events.result()
    store.write(PROGRESS, list({row[:_KEY_OF_PROGRESS]: row for row in batch.progress}.values()))


_KEY_OF_WINDOWS = 3
"""So many of the first columns are the key of a row: agency, window and partition."""
_KEY_OF_FACTS = 1
_KEY_OF_PROGRESS = 2
