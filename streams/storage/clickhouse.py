"""The store on ClickHouse, through the native protocol."""

import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from itertools import islice
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import numpy as np
from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.partition import Hashes
from schemas.tables import TABLES, WINDOWS, Table
from streams.counting.column_block import Block
from streams.counting.dead_letter_limit import LimitWindow
from streams.counting.ledger import Ledger
from streams.counting.store import Checkpoint, LastRecord, Row, Store, Stored, WindowRow
from streams.errors import NotMigrated, RefusedRow, Superseded, Unreachable

log = logging.getLogger(__name__)

_SETTINGS = {
    # Batches are ours to make; a partition of a table is a month, and a batch may hold a century of them.
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    # Rows replaced within a batch wait for a merge, as all others do: reads take the greatest position anyhow.
    "optimize_on_insert": 0,
    # On a replicated cluster a read must see every write confirmed before it; a single server ignores both.
    "insert_quorum": "auto",
    "select_sequential_consistency": 1,
}
_TIMEOUT_SECONDS = 30
_READ_AT_ONCE = 50_000
"""More than a usual batch looks up: keys of any time are in all of a table, which each query goes through once."""
_WORTH_PARTING = 1000
"""Rows from which on it is cheaper to insert those without rare columns for themselves."""
_READ_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_TOLD_TRIES = 10
"""The first tries are told each, later ones now and then: a database may be away for days."""
_PLACE = {"topic", "partition", "offset", "line", "pos", "dossier", "id", "agency", "window", "reason"}
"""Columns that say where something is, and are shown."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")

_TRANSIENT = {
    ErrorCodes.TIMEOUT_EXCEEDED,
    ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES,
    ErrorCodes.NETWORK_ERROR,
    ErrorCodes.ABORTED,
    ErrorCodes.MEMORY_LIMIT_EXCEEDED,
    ErrorCodes.TABLE_IS_READ_ONLY,
    ErrorCodes.NOT_ENOUGH_SPACE,
    ErrorCodes.TOO_MANY_PARTS,
    ErrorCodes.UNKNOWN_STATUS_OF_INSERT,
    ErrorCodes.UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE,
    ErrorCodes.CANNOT_WRITE_TO_FILE_DESCRIPTOR,
    ErrorCodes.QUERY_WAS_CANCELLED,
    ErrorCodes.KEEPER_EXCEPTION,
    ErrorCodes.ALL_CONNECTION_TRIES_FAILED,
}
"""What may pass by itself."""
_NOT_MIGRATED = {
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_IDENTIFIER,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
}
_NOT_ALLOWED = {
    ErrorCodes.UNKNOWN_USER,
    ErrorCodes.WRONG_PASSWORD,
    516,  # AUTHENTICATION_FAILED
    497,  # ACCESS_DENIED: the driver has no name for these two
    ErrorCodes.READONLY,
}
"""These three: every answer to an insert that is not about its data."""
_VIOLATED_CONSTRAINT = 469
"""What a rebuild puts on the tables it makes, against workers of former epochs."""
_TOO_MANY_ROWS_OR_BYTES = 396
_UNFIT = (AttributeError, TypeError, ValueError)
"""What the driver raises, without wrapping it, at a value of another type than the column's."""

_T = TypeVar("_T")
_Asked: TypeAlias = list[dict[str, object]]


def connect(connection: ClickHouseConnection, **settings: object) -> Client:
    """A client of this deployment's database; it connects at its first query and is for one thread at a time."""
    return Client(
        host=connection.host,
        port=connection.port,
        user=connection.user,
        password=connection.password.reveal(),
        database=connection.database,
        secure=connection.secure,
        ca_certs=connection.ca_file or None,
        connect_timeout=5,
        send_receive_timeout=_TIMEOUT_SECONDS,
        sync_request_timeout=5,
        settings=_SETTINGS | settings,
    )


@contextmanager
def database(connection: ClickHouseConnection) -> Iterator[Client]:
    """A client that is closed afterwards; what fails inside becomes NotMigrated or Unreachable."""
    client = connect(connection)
    try:
        yield client
    except (Error, OSError, EOFError) as error:
        raise explain(error, connection) from error
    finally:
        client.disconnect()


def insert(client: Client, table: Table, rows: Sequence[Sequence[object] | Mapping[str, object]]) -> None:
    """Insert a few rows, in the order of the table's declared columns or by their names; raises what the driver does.

    Not for what is counted: it is tried once, and a repetition is the caller's matter.
    """
    client.execute(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES", rows)


def explain(error: Exception, connection: ClickHouseConnection) -> Exception:
    """The error of ours that says what to do about this error of the driver's."""
    if isinstance(error, ServerException):
        if error.code in _NOT_MIGRATED:
            return NotMigrated(f"ClickHouse at {connection.address}: {_brief(error)}; run `dossier migrate`")
        return Unreachable(f"ClickHouse at {connection.address} answers: {_brief(error)}")
    return Unreachable(
        f"ClickHouse at {connection.address} does not answer ({_brief(error)}): start it, or correct DOSSIER_CLICKHOUSE"
    )


class ClickHouseStore(Store):
    """Rows in ClickHouse; reads and writes use a connection each thread at a time, guarded by locks.

    Writes go on trying until they are confirmed. So do reads of a `patient` store; of another they raise Unreachable
    after a few tries. Both raise NotMigrated at once where tables are missing. `on_retry` is told why, before another
    try, in the thread that tries. `names` gives tables by other names, for those that stand in for them.
    """

    def __init__(
        self,
        connection: ClickHouseConnection,
        *,
        patient: bool = False,
        on_retry: Callable[[str], None] = lambda _trouble: None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._on_retry = on_retry
        self._names = {table.name: table.name for table in TABLES} | dict(names or {})
        self._tries_again = None if patient else _READ_TRIES - 1
        self._reader = connect(connection, strings_as_bytes=True)
        self._reading = Lock()
        self._dossiers_at_once = _READ_AT_ONCE
        self._writers: list[Client] = []
        self._idle = Lock()

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts of the first of these dossiers, with their older rows no more than `max_bytes` together."""
        found: dict[str, Stored] = {}
        looked_up = size = 0
        while looked_up < len(dossiers) and size < max_bytes:
            some = dossiers[looked_up : looked_up + self._dossiers_at_once]
            rows = self._read_facts_within(some, max_bytes - size)
            if rows is None:
                if looked_up:
                    break
                self._dossiers_at_once = max(1, len(some) // 2)
                continue
            self._dossiers_at_once = min(2 * self._dossiers_at_once, _READ_AT_ONCE)
            looked_up += len(some)
            for dossier, pos, registers, number in rows:
                name = dossier.decode()
                size += len(registers)
                if name not in found or found[name].pos < pos:
                    found[name] = Stored(pos, registers, number)
        return looked_up, found

    def _read_facts_within(self, dossiers: Sequence[str], max_bytes: int) -> list[tuple[Any, ...]] | None:
        """All rows of these dossiers, or None where they have more bytes; of a single dossier always the newest row."""
        # Without FINAL, which costs more than the few older rows that come along.
        sql = f"SELECT dossier, pos, registers, number FROM {self._names['facts']} WHERE dossier IN asked"  # noqa: S608  # our names
        asked = _asked({"dossier": "String"}, [dossiers])
        if len(dossiers) == 1:
            return self._read(f"{sql} ORDER BY pos DESC LIMIT 1", asked=asked)
        try:
            return self._read(sql, asked=asked, limits={"max_result_bytes": max_bytes})
        except _TooManyBytes:
            return None

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """Position and counts of those of these that have a row."""
        sql = (
            f"SELECT agency, toUnixTimestamp(window), partition, pos, {', '.join(COUNTERS)} "  # noqa: S608  # our names
            f"FROM {self._names['windows']} WHERE (window, agency, partition) IN asked"
        )
        columns = {"start": WINDOWS.columns["window"], "agency": "String", "partition": WINDOWS.columns["partition"]}
        found: dict[WindowRow, tuple[int, Sequence[int]]] = {}
        for some in chunks(windows, _READ_AT_ONCE):
            agencies, starts, partitions = zip(*some, strict=True)
            for agency, start, partition, pos, *counts in self._read(
                sql, asked=_asked(columns, [starts, agencies, partitions])
            ):
                window = agency.decode(), start, partition
                if window not in found or found[window][0] < pos:
                    found[window] = pos, counts
        return found

    def read_newest(self, partition: int) -> int:
        """The start of the newest window of which the partition has a row."""
        # In the order of the key, backwards: not even a month of windows is read.
        sql = (
            f"SELECT toUnixTimestamp(window) FROM {self._names['windows']} WHERE partition = %(partition)s "  # noqa: S608  # our names
            "ORDER BY window DESC LIMIT 1"
        )
        rows = self._read(sql, partition=partition)
        return int(rows[0][0]) if rows else 0

    def read_dossier_hashes(self, partition: int) -> Hashes:
        """Hashes of all dossiers of which the partition has facts."""
        # ClickHouse's name for the hash by which Kafka's clients divide keys.
        sql = f"SELECT kafkaMurmurHash(dossier) FROM {self._names['facts']} WHERE partition = %(partition)s"  # noqa: S608  # our names
        columns = self._read(sql, columnar=True, partition=partition)
        return np.array(columns[0] if columns else [], np.uint32)

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
        """Insert the rows as one block, again and again until it is confirmed.

        Raises RefusedRow that names the row, or NotMigrated or Unreachable where it is not the rows that are refused.
        """
        names = tuple(table.columns)
        block = rows if isinstance(rows, Block) else Block([list(column) for column in zip(*rows, strict=True)])
        parts = block.parted(table) if len(rows) >= _WORTH_PARTING else [(names, block)]
        for columns, part in parts if rows else ():
            if refusal := self._insert(table, columns, part):
                raise self._refused(table, columns, part, refusal)

    def close(self) -> None:
        """Close the connections that no other thread is using."""
        with self._idle:
            for client in (self._reader, *self._writers):
                client.disconnect()
            self._writers.clear()

    def _read(
        self,
        sql: str,
        asked: _Asked | None = None,
        columnar: bool = False,
        limits: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> list[tuple[Any, ...]]:
        """The rows of a query; raises _TooManyBytes where they exceed its `limits`."""
        pauses = _Pauses()
        with self._reading:
            while True:
                try:
                    rows: list[tuple[Any, ...]] = self._reader.execute(
                        sql, parameters, external_tables=asked, columnar=columnar, settings=limits
                    )
                except (Error, OSError, EOFError) as error:
                    self._reader.disconnect()
                    if limits and isinstance(error, ServerException) and error.code == _TOO_MANY_ROWS_OR_BYTES:
                        raise _TooManyBytes from error
                    if pauses.used == self._tries_again or not _may_pass(error):
                        raise explain(error, self._connection) from error
                    self._tell("a read", pauses.used, error)
                    time.sleep(next(pauses))
                else:
                    return rows

    def _insert(self, table: Table, columns: Sequence[str], rows: Block) -> Exception | None:
        """Insert until it is confirmed; returns the error where another try cannot help."""
        sql = f"INSERT INTO {self._names[table.name]} ({', '.join(columns)}) VALUES"
        pauses = _Pauses()
        while True:
            client = self._borrow()
            try:
                # A fresh copy for each try: the driver converts columns in place.
                client.execute(sql, list(map(list, rows.columns)), columnar=True)
            except (Error, OSError, EOFError, *_UNFIT) as error:
                client.disconnect()
                if not _may_pass(error):
                    return error
                self._tell("an insert", pauses.used, error, table=table.name, rows=len(rows))
                time.sleep(next(pauses))
            else:
                with self._idle:
                    self._writers.append(client)
                return None

    def _tell(self, what: str, tries_before: int, error: Exception, **extra: object) -> None:
        trouble = _brief(error)
        self._on_retry(trouble)
        if tries_before < _TOLD_TRIES or tries_before % _TOLD_TRIES == 0:
            log.warning("%s is repeated", what, extra={"attempt": tries_before + 1, **extra, "reason": trouble})

    def _borrow(self) -> Client:
        with self._idle:
            return self._writers.pop() if self._writers else connect(self._connection)

    def _refused(self, table: Table, columns: Sequence[str], rows: Block, refusal: Exception) -> Exception:
        if isinstance(refusal, ServerException) and refusal.code in _NOT_MIGRATED | _NOT_ALLOWED:
            return explain(refusal, self._connection)
        if isinstance(refusal, ServerException) and refusal.code == _VIOLATED_CONSTRAINT:
            return Superseded(
                f"the counts in database {self._connection.database} were rebuilt while this worker slept: it counts "
                f"in an epoch that is over, and {table.name} took nothing of it; restart it"
            )
        # Halves are inserted until the row is found; it does no harm, for a row inserted twice is one.
        while len(rows) > 1:
            first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            again = self._insert(table, columns, first)
            rows, refusal = (second, refusal) if again is None else (first, again)
        # Where the row is, but not what it says, which may be about a person.
        row = ", ".join(
            f"{name} = {value!r:.100}" if name in _PLACE else f"{name} ({type(value).__name__})"
            for name, value in zip(columns, rows[0], strict=True)
        )
        refused = _QUOTED.sub("…", _brief(refusal))
        return RefusedRow(f"{table.name} refuses a row: {refused}; the row is {row:.1500}")


def _asked(columns: dict[str, str], values: Sequence[Sequence[object]]) -> _Asked:
    """The table `asked`, sent along with a query: faster than literals, without their limit, and nothing to escape."""
    bare = [[value.encode() if isinstance(value, str) else value for value in column] for column in values]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*bare, strict=True)]
    return [{"name": "asked", "structure": list(columns.items()), "data": rows}]


def _may_pass(error: Exception) -> bool:
    if isinstance(error, ServerException):
        return error.code in _TRANSIENT
    return isinstance(error, NetworkError | SocketTimeoutError | OSError | EOFError)


class _TooManyBytes(Exception):
    """A result has more bytes than were allowed."""


class _Pauses:
    """Seconds between tries, longer and longer, and how many of them were used."""

    def __init__(self) -> None:
        self.used = 0

    def __next__(self) -> float:
        self.used += 1
        return min(_FIRST_PAUSE_SECONDS * 2.0 ** min(self.used - 1, 30), _LONGEST_PAUSE_SECONDS)


def chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The values in lists of this size, the last one of what is left."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _brief(error: Exception) -> str:
    return " ".join(str(error).split("Stack trace")[0].split())[:300] or type(error).__name__
