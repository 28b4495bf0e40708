"""The order in which a batch is written, by which events count exactly once."""

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


def flush(batch: Batch, store: Store, dead_letters: DeadLetterSink, beside: Executor) -> None:
    """Write a batch: windows, then facts, each confirmed before the next; events beside them; progress last.

    Windows come before facts so that facts at a position imply windows at it: a replay then skips only what the
    windows already hold. Progress comes last so that it implies everything.
    """
    events = beside.submit(store.write, EVENTS, batch.events)
    try:
        store.write(WINDOWS, batch.windows)
        store.write(FACTS, batch.facts)
        store.write(DEAD_LETTERS, [dead_row(letter) for letter in batch.dead])
        dead_letters.send(batch.dead)
    finally:
        events.result()
    store.write(PROGRESS, batch.progress)
