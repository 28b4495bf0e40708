"""What counting needs of a database: read facts and windows, write rows. ClickHouse is one, memory another."""

from collections.abc import Collection, Sequence, Set
from typing import Protocol, TypeAlias

from msgspec import Struct

from schemas.partition import Hashes
from schemas.tables import Table
from streams.counting.dead_letter_limit import NOTHING, Seen
from streams.counting.ledger import NO_RECORDS, Ledger

Row: TypeAlias = tuple[object, ...]
"""Values in the order of the table's declared columns; instants as integers in the column's own unit."""
WindowRow: TypeAlias = tuple[str, int, int]
"""What a row of windows is of: (agency, start of the window in seconds since 1970, partition)."""


class Stored(Struct, frozen=True, gc=False):
    """Facts as stored: the position of the last event in them, the packed registers, and the number of the case."""

    pos: int
    registers: bytes
    number: int = 0


class Last(Struct, frozen=True, gc=False):
    """The last record that was counted of a partition, and its timestamp in milliseconds."""

    offset: int
    published: int


NO_RECORD = Last(-1, 0)
"""Of a partition that held nothing yet but holes."""


class Reached(Struct, frozen=True):
    """How far a partition has been counted: the last offset, be it of a record or of a hole, and its position.

    `seen` is what the flood rule had seen by then, `last` the last record, `ledger` what had been counted.
    """

    pos: int
    offset: int
    seen: Seen = NOTHING
    last: Last = NO_RECORD
    ledger: Ledger = NO_RECORDS


class Store(Protocol):
    """Rows with a version: the greatest position of a key is the one that is read.

    Reads see every write confirmed before them. `write` returns when the rows are confirmed, in no particular order
    among themselves; it repeats what fails or is uncertain for as long as it takes, and raises RefusedRow only for
    rows that can never be written.
    """

    def read_facts(self, dossiers: Collection[str]) -> dict[str, Stored]:
        """The facts of those of the dossiers that have any."""

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """Position and counts, in the order of COUNTERS, of those of these that have a row."""

    def read_newest(self, partition: int) -> int:
        """The start of the newest window of which the partition has a row, in seconds since 1970; 0 without any."""

    def read_known(self, partition: int) -> Hashes:
        """The hashes of all dossiers of which the partition has facts, in no order."""

    def read_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """The greatest number of a case of the partition whose facts end at `pos`, and those of cases beyond it."""

    def read_reached(self, topic: str) -> dict[int, Reached]:
        """How far each partition of the topic has been counted."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows as one block."""
