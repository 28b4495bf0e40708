"""A store and a dead-letter topic in memory, with the semantics of the real ones and everything written kept."""

from collections.abc import Collection, Sequence
from typing import Any

from schemas.counters import COUNTERS
from schemas.dead import DeadLetter
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counters import Window
from streams.flood import Seen
from streams.store import Reached, Row, Store, Stored

KEYS = {
    EVENTS.name: ("dossier", "id", "kind", "source", "occurred_at", "payload"),
    FACTS.name: ("dossier",),
    WINDOWS.name: ("agency", "window", "partition"),
    PROGRESS.name: ("topic", "partition"),
    DEAD_LETTERS.name: ("topic", "partition", "offset", "line"),
}
"""What makes two rows of a table the same row."""
_VERSIONS = {EVENTS.name: ("recorded_at", "seq"), DEAD_LETTERS.name: ()}


class MemoryStore(Store):
    """Tables as ReplacingMergeTree has them: of the rows of a key, the last of the greatest version is read."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in KEYS}

    def read_facts(self, dossiers: Collection[str]) -> dict[str, Stored]:
        rows = self.newest(FACTS)
        return {
            dossier: Stored(rows[dossier,]["pos"], rows[dossier,]["registers"])
            for dossier in dossiers
            if (dossier,) in rows
        }

    def read_windows(self, partition: int, windows: Collection[Window]) -> dict[Window, tuple[int, list[int]]]:
        rows = self.newest(WINDOWS)
        found = {window: rows[(*window, partition)] for window in windows if (*window, partition) in rows}
        return {window: (row["pos"], [row[counter] for counter in COUNTERS]) for window, row in found.items()}

    def read_reached(self, topic: str) -> dict[int, Reached]:
        rows = self.newest(PROGRESS).values()
        return {
            row["partition"]: Reached(row["pos"], row["offset"], Seen(row["window_lines"], row["window_dead"]))
            for row in rows
            if row["topic"] == topic
        }

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        assert all(len(row) == len(table.columns) for row in rows)
        self.rows[table.name].extend(rows)

    def newest(self, table: Table) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The table as `FINAL` shows it: by key, each row by its columns."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for values in self.rows[table.name]:
            row = dict(zip(table.columns, values, strict=True))
            key = tuple(row[column] for column in KEYS[table.name])
            version = _VERSIONS.get(table.name, ("pos",))
            held = found.get(key)
            if held is None or [row[column] for column in version] >= [held[column] for column in version]:
                found[key] = row
        return found


class MemoryDeadLetters:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    def send(self, letters: Sequence[DeadLetter]) -> None:
        self.letters.extend(letters)
