"""A store and a dead-letter topic in memory, with the semantics of the real ones and everything written kept."""

from collections.abc import Callable, Collection, Sequence, Set
from operator import itemgetter
from typing import Any

from schemas.dead_letter import DeadLetter
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.dead_letter_limit import LimitWindow
from streams.counting.ledger import Ledger
from streams.counting.store_interface import Checkpoint, LastRecord, Row, Store, Stored, WindowRow

_KEYS = {
    EVENTS.name: ("dossier", "id", "kind", "source", "occurred_at", "payload"),
    FACTS.name: ("dossier",),
    WINDOWS.name: ("agency", "window", "partition"),
    PROGRESS.name: ("topic", "partition"),
    DEAD_LETTERS.name: ("topic", "partition", "offset", "line"),
}
_VERSIONS = {
    EVENTS.name: ("recorded_at", "seq"),
    FACTS.name: ("pos",),
    WINDOWS.name: ("pos",),
    PROGRESS.name: ("pos",),
    DEAD_LETTERS.name: ("topic",),  # it has no version: the last one written is read
}


def _of_columns(table: Table, columns: Sequence[str]) -> Callable[[Row], Any]:
    """The values of these columns in a row: the value itself where it is one."""
    names = list(table.columns)
    return itemgetter(*map(names.index, columns))


_TABLES = (EVENTS, FACTS, WINDOWS, PROGRESS, DEAD_LETTERS)
_key_of = {table.name: _of_columns(table, _KEYS[table.name]) for table in _TABLES}
_version_of = {table.name: _of_columns(table, _VERSIONS[table.name]) for table in _TABLES}
_facts_of = _of_columns(FACTS, ("pos", "registers", "number"))
_partition_of_facts = _of_columns(FACTS, ("partition",))
_numbered = _of_columns(FACTS, ("partition", "pos", "number"))
_pos_of_window = _of_columns(WINDOWS, ("pos",))
_reached_of = _of_columns(
    PROGRESS,
    (
        *("topic", "partition", "pos", "offset", "window_lines", "window_dead"),
        *("record_offset", "published_at", "records", "skipped", "dossiers"),
    ),
)
_FIRST_COUNTER = list(WINDOWS.columns).index("pos") + 1


class MemoryStore(Store):
    """Tables as ReplacingMergeTree has them: of the rows of a key, the last of the greatest version is read."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {table.name: [] for table in _TABLES}
        self._newest: dict[str, dict[Any, Row]] = {table.name: {} for table in _TABLES}

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts of the first of these dossiers, whose registers have no more than `max_bytes` together."""
        rows = self._newest[FACTS.name]
        found: dict[str, Stored] = {}
        size = 0
        for place, dossier in enumerate(dossiers):
            if dossier in rows:
                stored = Stored(*_facts_of(rows[dossier]))
                size += len(stored.registers)
                if size > max_bytes and place:
                    return place, found
                found[dossier] = stored
        return len(dossiers), found

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[Any]]]:
        """Position and counts of those of these that have a row."""
        rows = self._newest[WINDOWS.name]
        found = ((window, rows[window]) for window in windows if window in rows)
        return {window: (_pos_of_window(row), row[_FIRST_COUNTER:]) for window, row in found}

    def read_newest(self, partition: int) -> int:
        """The start of the newest window of which the partition has a row; 0 without any."""
        return max((start for _, start, of in self._newest[WINDOWS.name] if of == partition), default=0)

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        """The partition's facts past `pos` of dossiers beyond `after`: so many `rows`."""
        facts = [
            (dossier, stored)
            for dossier, row in sorted(self._newest[FACTS.name].items(), key=lambda each: each[0].encode())
            if dossier.encode() > after.encode() and _partition_of_facts(row) == partition
            if (stored := Stored(*_facts_of(row))).pos > pos
        ]
        return dict(facts[:rows]), facts[rows - 1][0] if len(facts) >= rows else None

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """The greatest number of a case of the partition whose facts end at `pos`, and those of cases beyond it."""
        rows = [row for row in map(_numbered, self._newest[FACTS.name].values()) if row[0] == partition]
        known = max((number for _, at, number in rows if at <= pos), default=0)
        return known, {number for _, at, number in rows if at > pos}

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """How far each partition of the topic has been counted."""
        rows = map(_reached_of, self._newest[PROGRESS.name].values())
        return {
            partition: Checkpoint(pos, offset, LimitWindow(*counts[:2]), LastRecord(*counts[2:4]), Ledger(*counts[4:]))
            for of, partition, pos, offset, *counts in rows
            if of == topic
        }

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows."""
        self.rows[table.name].extend(rows)
        held, key_of, version_of = self._newest[table.name], _key_of[table.name], _version_of[table.name]
        width = len(table.columns)
        for row in rows:
            if len(row) != width:
                raise ValueError(f"a row of {table.name} has {len(row)} values for {width} columns: {row}")
            key = key_of(row)
            if key not in held or version_of(row) >= version_of(held[key]):
                held[key] = row

    def holds(self, table: Table, row: Row) -> bool:
        """Whether what is read of this row's key is this row, or another of a version no smaller."""
        held = self._newest[table.name].get(_key_of[table.name](row))
        return held is not None and bool(_version_of[table.name](held) >= _version_of[table.name](row))

    def final(self, table: Table) -> Collection[Row]:
        """The table's rows as `FINAL` shows them."""
        return self._newest[table.name].values()

    def newest(self, table: Table) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The same by key, each row by its columns."""
        one = len(_KEYS[table.name]) == 1
        return {
            (key,) if one else key: dict(zip(table.columns, row, strict=True))
            for key, row in self._newest[table.name].items()
        }


class MemoryDeadLetters:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep these letters."""
        self.letters.extend(letters)
