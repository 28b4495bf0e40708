"""What is wrong with what is stored at the end of a schedule, by the log that was counted."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, TypeAlias

from chaos.memory_store import MemoryStore
from chaos.simulation.log import TOPIC, Log
from chaos.simulation.worker import DEAD_TOPIC
from chaos.verdict import judge, stored_in_memory
from schemas.dead_letter import DeadLetter
from schemas.tables import DEAD_LETTERS, FACTS, WINDOWS, Table
from streams.counting.ledger import Ledger
from streams.counting.store_interface import Row

Backed: TypeAlias = dict[str, tuple[list[Row], dict[Any, Row]]]
"""By table, everything that was written, and the newest row of each key."""


class CheckedStore(MemoryStore):
    """The store and the dead-letter topic.

    It notes rows of one key and position that differ: each must be the same state of one log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[DeadLetter] = []
        self.contradictions: list[str] = []
        self._states: dict[tuple[object, ...], Row] = {}

    def write(self, table: Table, rows: Any) -> None:
        """Insert the rows, or send these dead letters."""
        if table is DEAD_TOPIC:
            self.letters += rows
            return
        super().write(table, rows)
        if table is FACTS or table is WINDOWS:
            of_key = 2 if table is FACTS else 4  # these columns come first, the position among them
            for row in rows:
                if self._states.setdefault(row[:of_key], row) != row:
                    self.contradictions.append(f"two rows of {table.name} contradict each other: {row[:of_key]}")

    def backup(self) -> Backed:
        """A copy of the tables."""
        return {name: (list(rows), dict(self._newest[name])) for name, rows in self.rows.items()}

    def restore(self, backup: Backed) -> None:
        """Bring the tables back to what they were."""
        self.rows = {name: list(rows) for name, (rows, _) in backup.items()}
        self._newest = {name: dict(newest) for name, (_, newest) in backup.items()}

    def holds(self, table: Table, row: Any) -> bool:
        """Whether this row, or a later one of its key, is stored; of a dead letter, whether it was sent."""
        return row in self.letters if table is DEAD_TOPIC else super().holds(table, row)


def errors(log: Log, store: CheckedStore) -> Iterator[str]:
    """Each difference between what is stored and what the log says."""
    yield from judge(log.expected, stored_in_memory(store)).examples
    stored = {(p, offset, line): reason for _, p, offset, line, reason, *_ in store.final(DEAD_LETTERS)}
    sent = {(letter.partition, letter.offset, letter.line): letter.reason for letter in store.letters}
    for name, found in (("table", stored), ("topic", sent)):
        if found != log.reasons:
            yield f"the dead letters of the {name} are {found}, should be {log.reasons}"
    yield from store.contradictions
    checkpoints = store.read_checkpoints(TOPIC)
    progress = {partition: (at.offset, at.limit_window) for partition, at in checkpoints.items()}
    if progress != log.progress:
        yield f"progress is {progress}, should be {log.progress}"
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for row in store.newest(FACTS).values():
        numbers[row["partition"]].append(row["number"])
    for partition, at in checkpoints.items():
        assigned = sorted(numbers[partition])
        if assigned != list(range(1, len(assigned) + 1)):
            yield f"the cases of partition {partition} have numbers {assigned}"
        entries = log.entries[partition]
        gaps = sum(entry.empty for entry in entries)
        if at.ledger != (should := Ledger(len(entries) - gaps, gaps, len(assigned))):
            yield f"the ledger of partition {partition} is {at.ledger}, should be {should}"
