"""The store on ClickHouse, through the native protocol."""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from threading import Lock
from typing import Any, TypeVar

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.tables import Table
from streams.counters import Window
from streams.errors import NotMigrated, RefusedRow, Unreachable
from streams.store import Reached, Row, Store, Stored

log = logging.getLogger(__name__)

_SETTINGS = {
    # Batches are ours to make; a partition of a table is a month, and a batch may hold a century of them.
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    # On a replicated cluster a read must see every write confirmed before it; a single server ignores both.
    "insert_quorum": "auto",
    "select_sequential_consistency": 1,
}
_TIMEOUT_SECONDS = 30
_READ_AT_ONCE = 10_000
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

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
"""What may pass by itself; every other answer to an insert is about its data or its table."""


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


def explain(error: Exception, connection: ClickHouseConnection) -> Exception:
    """The error of ours that says what to do about this error of the driver's."""
    if isinstance(error, ServerException):
        first = str(error.message).split("Stack trace")[0].strip().splitlines()[0]
        if error.code in (ErrorCodes.UNKNOWN_DATABASE, ErrorCodes.UNKNOWN_TABLE, ErrorCodes.UNKNOWN_IDENTIFIER):
            return NotMigrated(f"ClickHouse at {connection.address}: {first}; run `dossier migrate`")
        return Unreachable(f"ClickHouse at {connection.address} answers: {first}")
    return Unreachable(
        f"ClickHouse at {connection.address} does not answer ({_brief(error)}): start it, or correct DOSSIER_CLICKHOUSE"
    )


class ClickHouseStore(Store):
    """Rows in ClickHouse; reads and writes use a connection each thread at a time, guarded by locks.

    Reads raise Unreachable or NotMigrated after a few tries; writes go on trying until they are confirmed.
    """

    def __init__(self, connection: ClickHouseConnection) -> None:
        self._connection = connection
        self._reader = connect(connection, strings_as_bytes=True)
        self._reading = Lock()
        self._writers: list[Client] = []
        self._idle = Lock()

    def read_facts(self, dossiers: Collection[str]) -> dict[str, Stored]:
        """The facts of those of the dossiers that have any."""
        found = {}
        for some in _chunks(dossiers, _READ_AT_ONCE):
            sql = "SELECT dossier, pos, registers FROM facts FINAL WHERE dossier IN %(some)s"
            for dossier, pos, registers in self._read(sql, some=some):
                found[dossier.decode()] = Stored(pos, registers)
        return found

    def read_windows(self, partition: int, windows: Collection[Window]) -> dict[Window, tuple[int, list[int]]]:
        """Position and counts of those of the partition's windows that have a row."""
        sql = (
            f"SELECT agency, toUnixTimestamp(window), pos, {', '.join(COUNTERS)} FROM windows FINAL "  # noqa: S608  # our names
            "WHERE partition = %(partition)s AND (window, agency) IN %(some)s"
        )
        found = {}
        for some in _chunks([(start, agency) for agency, start in windows], _READ_AT_ONCE):
            for agency, start, pos, *counts in self._read(sql, partition=partition, some=some):
                found[(agency.decode(), start)] = pos, counts
        return found

    def read_reached(self, topic: str) -> dict[int, Reached]:
        """How far each partition of the topic has been counted."""
        sql = "SELECT partition, pos, offset FROM progress FINAL WHERE topic = %(topic)s"
        return {partition: Reached(pos, offset) for partition, pos, offset in self._read(sql, topic=topic)}

    def read_counted(self) -> list[tuple[Any, ...]]:
        """A value that changes whenever a batch is counted."""
        return self._read("SELECT topic, partition, pos FROM progress FINAL ORDER BY topic, partition")

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows as one block, again and again until it is confirmed."""
        if not rows:
            return
        sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES"
        pause = _FIRST_PAUSE_SECONDS
        while True:
            client = self._borrow()
            try:
                # A fresh copy for each try: the driver converts columns in place.
                client.execute(sql, [list(column) for column in zip(*rows, strict=True)], columnar=True)
            except (Error, OSError, EOFError) as error:
                client.disconnect()
                if isinstance(error, ServerException) and error.code not in _TRANSIENT:
                    raise self._refused(table, rows, error) from error
                if not isinstance(error, ServerException | NetworkError | SocketTimeoutError | OSError | EOFError):
                    raise self._refused(table, rows, error) from error
                log.warning("insert of %d rows into %s is repeated: %s", len(rows), table.name, _brief(error))
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                with self._idle:
                    self._writers.append(client)
                return

    def close(self) -> None:
        """Close the connections that no other thread is using."""
        with self._idle:
            for client in (self._reader, *self._writers):
                client.disconnect()
            self._writers.clear()

    def _read(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        pause = _FIRST_PAUSE_SECONDS
        with self._reading:
            while True:
                try:
                    rows: list[tuple[Any, ...]] = self._reader.execute(sql, parameters)
                except (Error, OSError, EOFError) as error:
                    self._reader.disconnect()
                    if isinstance(error, ServerException) and error.code not in _TRANSIENT:
                        raise explain(error, self._connection) from error
                    log.warning("a read is repeated: %s", _brief(error))
                    time.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                else:
                    return rows

    def _borrow(self) -> Client:
        with self._idle:
            return self._writers.pop() if self._writers else connect(self._connection)

    def _refused(self, table: Table, rows: Sequence[Row], error: Exception) -> RefusedRow:
        first, last = rows[0][:4], rows[-1][:4]
        return RefusedRow(f"{table.name} refuses a row of {len(rows)}, from {first} to {last}: {_brief(error)}")


_T = TypeVar("_T")


def _chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _brief(error: Exception) -> str:
    return " ".join(str(error).split("Stack trace")[0].split())[:300] or type(error).__name__
