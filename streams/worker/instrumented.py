"""The store and the dead-letter topic with a watch on them: what they do takes its time there, and nothing else."""

from collections.abc import Collection, Sequence, Set

from schemas.dead_letter import DeadLetter
from schemas.partition import Hashes
from schemas.tables import FACTS, PROGRESS, WINDOWS, Table
from streams.counting.store import Checkpoint, Row, Store, Stored, WindowRow
from streams.counting.write_order import DeadLetters
from streams.worker.telemetry import TOPIC, Watch


class ObservedStore(Store):
    """A store whose reads and writes are seen by a watch."""

    def __init__(self, store: Store, watch: Watch) -> None:
        self._store = store
        self._watch = watch

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """As the store."""
        with self._watch.operation("read", FACTS.name):
            return self._store.read_facts(dossiers, max_bytes)

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """As the store."""
        with self._watch.operation("read", WINDOWS.name):
            return self._store.read_windows(windows)

    def read_newest(self, partition: int) -> int:
        """As the store."""
        with self._watch.operation("read", WINDOWS.name):
            return self._store.read_newest(partition)

    def read_dossier_hashes(self, partition: int) -> Hashes:
        """As the store."""
        with self._watch.operation("read", FACTS.name):
            return self._store.read_dossier_hashes(partition)

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """As the store."""
        with self._watch.operation("read", FACTS.name):
            return self._store.read_case_numbers(partition, pos)

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """As the store."""
        with self._watch.operation("read", PROGRESS.name):
            return self._store.read_checkpoints(topic)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """As the store; a write of nothing is none."""
        if rows:
            with self._watch.operation("insert", table.name):
                self._store.write(table, rows)


class ObservedDeadLetters(DeadLetters):
    """A dead-letter topic whose sending is seen by a watch."""

    def __init__(self, dead: DeadLetters, watch: Watch) -> None:
        self._dead = dead
        self._watch = watch

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """As the topic; sending nothing is none."""
        if letters:
            with self._watch.operation("send", TOPIC):
                self._dead.send(letters)
