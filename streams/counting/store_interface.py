"""What counting needs of a database: to read facts and windows and to write rows. ClickHouse is one, memory another."""

from collections.abc import Collection, Sequence, Set
from typing import Protocol, TypeAlias

from msgspec import Struct

from schemas.tables import Table
from streams.counting.dead_letter_limit import EMPTY_WINDOW, LimitWindow
from streams.counting.ledger import NO_RECORDS, Ledger

Row: TypeAlias = tuple[object, ...]
"""Values in the order of the table's declared columns; instants as integers in the column's own unit."""
WindowRow: TypeAlias = tuple[str, int, int]
"""The key of a row of windows: (agency, start of the window in seconds since 1970, partition)."""


class Stored(Struct, frozen=True, gc=False):
    """Facts as stored: the position of the last event in them, the packed registers, and the number of the case."""

    pos: int
    registers: bytes
    number: int = 0


class LastRecord(Struct, frozen=True, gc=False):
    """The last record of a partition that was counted, and its timestamp in milliseconds."""

    offset: int
    published: int


NO_RECORD = LastRecord(-1, 0)
"""Of a partition that has held only gaps so far."""


class Checkpoint(Struct, frozen=True):
    """How far a partition is counted: the last offset, of a record or of a gap, and its position.

    The rest is as of that offset: the window of the dead-letter limit, the last record, and the ledger.
    """

    pos: int
    offset: int
    limit_window: LimitWindow = EMPTY_WINDOW
    last_record: LastRecord = NO_RECORD
    ledger: Ledger = NO_RECORDS


class Store(Protocol):
    """Rows with a version: of each key, the row with the greatest position is read.

    Reads see every write confirmed before them. `write` returns when the rows are confirmed, in no particular order
    among themselves; it repeats what fails or is uncertain for as long as it takes, and raises RefusedRow only for
    rows that can never be written.
    """

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """Look up dossiers from the first one on: how many were looked up, and the facts of those that have any.

        The lookup ends where more would exceed `max_bytes` of registers, but never before the first dossier.
        """

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """Position and counts, in the order of COUNTERS, of those of these windows that have a row."""

    def read_newest(self, partition: int) -> int:
        """The start of the newest window of which the partition has a row, in seconds since 1970; 0 without any."""

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        """The partition's facts past `pos`, of dossiers beyond `after` in the order of their bytes: about `rows`.

        Also returns the last dossier that was looked at, or None where none is left.
        """

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """The greatest number of a case of the partition whose facts end at `pos`, and those of cases beyond it."""

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """How far each partition of the topic is counted."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows as one block."""
