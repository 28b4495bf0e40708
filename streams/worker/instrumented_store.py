"""The store and the dead-letter topic with telemetry: each operation is measured, and nothing else changes."""

from collections.abc import Collection, Sequence, Set

from schemas.dead_letter import DeadLetter
from schemas.tables import FACTS, PROGRESS, WINDOWS, Table
from streams.counting.store_interface import Checkpoint, Row, Store, Stored, WindowRow
from streams.counting.write_order import DeadLetterSink
from streams.worker.operations_in_progress import DEAD_LETTER_TOPIC
from streams.worker.telemetry import Telemetry


class InstrumentedStore(Store):
    """A store whose reads and writes are measured."""

    def __init__(self, store: Store, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """As the store."""
        with self._telemetry.operation("read", FACTS.name):
            return self._store.read_facts(dossiers, max_bytes)

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """As the store."""
        with self._telemetry.operation("read", WINDOWS.name):
            return self._store.read_windows(windows)

    def read_newest(self, partition: int) -> int:
        """As the store."""
        with self._telemetry.operation("read", WINDOWS.name):
            return self._store.read_newest(partition)

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        """As the store."""
        with self._telemetry.operation("read", FACTS.name):
            return self._store.read_facts_past(partition, pos, after, rows)

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """As the store."""
        with self._telemetry.operation("read", FACTS.name):
            return self._store.read_case_numbers(partition, pos)

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """As the store."""
        with self._telemetry.operation("read", PROGRESS.name):
            return self._store.read_checkpoints(topic)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """As the store; writing nothing is not measured."""
        if rows:
            with self._telemetry.operation("insert", table.name):
                self._store.write(table, rows)


class InstrumentedDeadLetters(DeadLetterSink):
    """A dead-letter topic whose sends are measured."""

    def __init__(self, topic: DeadLetterSink, telemetry: Telemetry) -> None:
        self._topic = topic
        self._telemetry = telemetry

    def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """As the topic; sending nothing is not measured."""
        if dead_letters:
            with self._telemetry.operation("send", DEAD_LETTER_TOPIC):
                self._topic.send(dead_letters)
