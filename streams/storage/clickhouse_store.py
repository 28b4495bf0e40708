"""The store on ClickHouse."""

import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from threading import Lock
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import ErrorCodes, ServerException

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.tables import TABLES, WINDOWS, Table
from streams.counting.column_block import Block
from streams.counting.dead_letter_limit import LimitWindow
from streams.counting.ledger import Ledger
from streams.counting.store_interface import Checkpoint, LastRecord, Row, Store, Stored, WindowRow
from streams.errors import RefusedRow, Superseded
from streams.storage.backoff import Backoff
from streams.storage.clickhouse_client import (
    DRIVER_ERRORS,
    NO_ACCESS,
    NOT_MIGRATED,
    TOO_MANY_ROWS_OR_BYTES,
    VIOLATED_CONSTRAINT,
    ExternalTable,
    brief,
    chunks,
    connect,
    explain,
    external_table,
    is_transient,
)

log = logging.getLogger(__name__)

_KEYS_PER_READ = 50_000
"""More than a usual batch looks up: keys may be anywhere in a table, and each query reads the whole table once."""
_PAGE_BYTES = 16 << 20
"""Facts that are read at once where all of a partition are read."""
_WORTH_SPLITTING = 1000
"""The number of rows from which on it is cheaper to insert those without rare columns separately."""
_READ_ATTEMPTS = 6
_INSERT = {"max_threads": 1, "max_insert_threads": 1}
"""A block has one part to write; starting more threads costs a quarter of a small insert."""
_NOT_ABOUT_ROWS = NOT_MIGRATED | NO_ACCESS | {ErrorCodes.READONLY}
"""Permanent refusals of an insert that have another cause than its rows."""
_WRONG_TYPE = (AttributeError, TypeError, ValueError)
"""What the driver raises, without wrapping it, for a value of another type than the column's."""
_SHOWN = {"topic", "partition", "offset", "line", "pos", "dossier", "id", "agency", "window", "reason"}
"""Columns whose values an error message may show: they show where something is."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")


class ClickHouseStore(Store):
    """Rows in ClickHouse. Any thread may read or write: reads take turns, writes have a connection each.

    Writes are retried until they are confirmed. So are reads of a `patient` store; those of another raise Unreachable
    after a few attempts. Both raise NotMigrated at once where tables are missing. `on_retry` is told why before each
    retry, in the thread that retries. `names` replaces names of tables, for those that stand in for them.
    """

    def __init__(
        self,
        connection: ClickHouseConnection,
        *,
        patient: bool = False,
        on_retry: Callable[[str], None] = lambda _failure: None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._on_retry = on_retry
        self._names = {table.name: table.name for table in TABLES} | dict(names or {})
        self._most_attempts = None if patient else _READ_ATTEMPTS
        self._reader = connect(connection, strings_as_bytes=True)
        self._reading = Lock()
        self._dossiers_per_read = _KEYS_PER_READ
        self._idle_writers: list[Client] = []
        self._idle = Lock()

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts of the first of these dossiers, with their older rows no more than `max_bytes` together."""
        found: dict[str, Stored] = {}
        looked_up = size = 0
        while looked_up < len(dossiers) and size < max_bytes:
            names = dossiers[looked_up : looked_up + self._dossiers_per_read]
            rows = self._read_facts_within(names, max_bytes - size)
            if rows is None:
                if looked_up:
                    break
                self._dossiers_per_read = max(1, len(names) // 2)
                continue
            self._dossiers_per_read = min(2 * self._dossiers_per_read, _KEYS_PER_READ)
            looked_up += len(names)
            size += sum(len(registers) for _, _, registers, _ in rows)
            found |= _newest_of(rows)
        return looked_up, found

    def _read_facts_within(self, dossiers: Sequence[str], max_bytes: int) -> list[tuple[Any, ...]] | None:
        """All rows of these dossiers, or None where they have more bytes; of a single dossier always the newest row."""
        # Without FINAL, which costs more than the few older rows that come along.
        sql = f"SELECT dossier, pos, registers, number FROM {self._names['facts']} WHERE dossier IN asked"  # noqa: S608  # our names
        asked = external_table({"dossier": "String"}, ((name,) for name in dossiers))
        if len(dossiers) == 1:
            return self._read(f"{sql} ORDER BY pos DESC LIMIT 1", asked)
        try:
            return self._read(sql, asked, limits={"max_result_bytes": max_bytes})
        except _TooManyBytes:
            return None

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """Position and counts of those of these windows that have a row."""
        sql = (
            f"SELECT agency, toUnixTimestamp(window), partition, pos, {', '.join(COUNTERS)} "  # noqa: S608  # our names
            f"FROM {self._names['windows']} WHERE (window, agency, partition) IN asked"
        )
        columns = {"start": WINDOWS.columns["window"], "agency": "String", "partition": WINDOWS.columns["partition"]}
        found: dict[WindowRow, tuple[int, Sequence[int]]] = {}
        for keys in chunks(windows, _KEYS_PER_READ):
            asked = external_table(columns, ((start, agency, partition) for agency, start, partition in keys))
            for agency, start, partition, pos, *counts in self._read(sql, asked):
                window = agency.decode(), start, partition
                if window not in found or found[window][0] < pos:
                    found[window] = pos, counts
        return found

    def read_newest(self, partition: int) -> int:
        """The start of the newest window of which the partition has a row."""
        # Backwards in the order of the key: this reads less than a month of windows.
        sql = (
            f"SELECT toUnixTimestamp(window) FROM {self._names['windows']} WHERE partition = %(partition)s "  # noqa: S608  # our names
            "ORDER BY window DESC LIMIT 1"
        )
        rows = self._read(sql, partition=partition)
        return int(rows[0][0]) if rows else 0

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        """The partition's facts past `pos` of dossiers beyond `after`; fewer than `rows` where they are large."""
        # Older rows come along: FINAL would read far more than it returns, and so would a limit with ties.
        sql = (
            f"SELECT dossier, pos, registers, number FROM {self._names['facts']} "  # noqa: S608  # our names
            "WHERE dossier > %(after)s AND partition = %(partition)s AND pos > %(pos)s ORDER BY dossier LIMIT %(rows)s"
        )
        while True:
            limits = {"max_result_bytes": _PAGE_BYTES} if rows > 1 else None
            try:
                found = self._read(sql, limits=limits, after=after, partition=partition, pos=pos, rows=rows)
            except _TooManyBytes:
                rows = max(1, rows // 4)
            else:
                break
        newest = _newest_of(found)
        if len(found) < rows:
            return newest, None
        # More rows of the last dossier may be left out.
        last, _ = newest.popitem()
        if newest:
            return newest, next(reversed(newest))
        _, newest = self.read_facts([last], 1)
        return newest, last

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """The greatest number of a case of the partition whose facts end at `pos`, and those of cases beyond it."""
        sql = (
            f"SELECT maxIf(number, pos <= %(pos)s), groupUniqArrayIf(number, pos > %(pos)s) "  # noqa: S608  # our names
            f"FROM {self._names['facts']} WHERE partition = %(partition)s"
        )
        ((last, beyond),) = self._read(sql, partition=partition, pos=pos)
        return last, set(beyond)

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """How far each partition of the topic has been counted."""
        columns = (
            "partition, pos, offset, window_lines, window_dead, record_offset, toUnixTimestamp64Milli(published_at), "
            "records, skipped, dossiers"
        )
        sql = f"SELECT {columns} FROM {self._names['progress']} FINAL WHERE topic = %(topic)s"  # noqa: S608  # our names
        return {
            partition: Checkpoint(pos, offset, LimitWindow(*counts[:2]), LastRecord(*counts[2:4]), Ledger(*counts[4:]))
            for partition, pos, offset, *counts in self._read(sql, topic=topic)
        }

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows as one block, and retry until it is confirmed.

        Raises RefusedRow, which names the row, or NotMigrated, Unreachable or Superseded for a refusal of all rows.
        """
        names = tuple(table.columns)
        block = rows if isinstance(rows, Block) else Block([list(column) for column in zip(*rows, strict=True)])
        parts = block.parted(table) if len(rows) >= _WORTH_SPLITTING else [(names, block)]
        for columns, part in parts if rows else ():
            if refusal := self._insert(table, columns, part):
                raise self._explain_refusal(table, columns, part, refusal)

    def close(self) -> None:
        """Close the connections that no other thread is using."""
        with self._idle:
            for client in (self._reader, *self._idle_writers):
                client.disconnect()
            self._idle_writers.clear()

    def _read(
        self,
        sql: str,
        asked: ExternalTable | None = None,
        columnar: bool = False,
        limits: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> list[tuple[Any, ...]]:
        """The rows of a query; raises _TooManyBytes where they exceed its `limits`."""
        backoff = Backoff()
        with self._reading:
            while True:
                try:
                    rows: list[tuple[Any, ...]] = self._reader.execute(
                        sql, parameters, external_tables=asked, columnar=columnar, settings=limits
                    )
                except DRIVER_ERRORS as error:
                    self._reader.disconnect()
                    if limits and isinstance(error, ServerException) and error.code == TOO_MANY_ROWS_OR_BYTES:
                        raise _TooManyBytes from error
                    backoff.failed()
                    if backoff.attempts == self._most_attempts or not is_transient(error):
                        raise explain(error, self._connection) from error
                    self._pause("a read failed, it is retried", backoff, error)
                else:
                    return rows

    def _insert(self, table: Table, columns: Sequence[str], rows: Block) -> Exception | None:
        """Insert until it is confirmed; returns the error where a retry cannot help."""
        sql = f"INSERT INTO {self._names[table.name]} ({', '.join(columns)}) VALUES"
        backoff = Backoff()
        while True:
            client = self._borrow_writer()
            try:
                client.execute(sql, rows.columns, columnar=True, settings=_INSERT)
            except (*DRIVER_ERRORS, *_WRONG_TYPE) as error:
                client.disconnect()
                backoff.failed()
                if not is_transient(error):
                    return error
                self._pause("an insert failed, it is retried", backoff, error, table=table.name, rows=len(rows))
            else:
                with self._idle:
                    self._idle_writers.append(client)
                return None

    def _pause(self, message: str, backoff: Backoff, error: Exception, **extra: object) -> None:
        failure = brief(error)
        self._on_retry(failure)
        if backoff.is_logged:
            log.warning(message, extra={"attempt": backoff.attempts, **extra, "reason": failure})
        time.sleep(backoff.seconds)

    def _borrow_writer(self) -> Client:
        with self._idle:
            return self._idle_writers.pop() if self._idle_writers else connect(self._connection)

    def _explain_refusal(self, table: Table, columns: Sequence[str], rows: Block, refusal: Exception) -> Exception:
        if isinstance(refusal, ServerException) and refusal.code in _NOT_ABOUT_ROWS:
            return explain(refusal, self._connection)
        if isinstance(refusal, ServerException) and refusal.code == VIOLATED_CONSTRAINT:
            return Superseded(
                f"the counts in database {self._connection.database} were rebuilt while this worker slept: it counts "
                f"in a former epoch, and {table.name} accepted none of its rows; restart it"
            )
        # Halves are inserted until the row is found. This does no harm: a row that is inserted twice is one.
        while len(rows) > 1:
            first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            again = self._insert(table, columns, first)
            rows, refusal = (second, refusal) if again is None else (first, again)
        return RefusedRow(_refusal(table, dict(zip(columns, rows[0], strict=True)), refusal))


def _newest_of(rows: Iterable[tuple[bytes, int, bytes, int]]) -> dict[str, Stored]:
    """The newest of these facts of each dossier, in the order of the rows."""
    found: dict[str, Stored] = {}
    for dossier, pos, registers, number in rows:
        name = dossier.decode()
        if name not in found or found[name].pos < pos:
            found[name] = Stored(pos, registers, number)
    return found


class _TooManyBytes(Exception):
    """A result has more bytes than were allowed."""


def _refusal(table: Table, row: Mapping[str, object], refusal: Exception) -> str:
    """Where the row is, but not its content, which may be about a person."""
    shown = ", ".join(
        f"{name} = {value!r:.100}" if name in _SHOWN else f"{name} ({type(value).__name__})"
        for name, value in row.items()
    )
    return f"{table.name} refuses a row: {_QUOTED.sub('…', brief(refusal))}; the row is {shown:.1500}"
