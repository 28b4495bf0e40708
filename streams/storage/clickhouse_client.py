"""Connections to ClickHouse over the native protocol, and what their errors mean."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TypeAlias, TypeVar

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from schemas.connection import ClickHouseConnection
from schemas.tables import Table
from streams.errors import NoAccess, NotMigrated, Unreachable
from streams.storage.native_client import NativeClient

DRIVER_ERRORS = (Error, OSError, EOFError)
"""What the driver raises for an answer of the server, or for none."""
ACCESS_DENIED = 497
"""The driver has no name for this code and the next three."""
AUTHENTICATION_FAILED = 516
VIOLATED_CONSTRAINT = 469
TOO_MANY_ROWS_OR_BYTES = 396
NOT_MIGRATED = {
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_IDENTIFIER,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
}
NO_LOGIN = {ErrorCodes.UNKNOWN_USER, ErrorCodes.WRONG_PASSWORD, AUTHENTICATION_FAILED}
NO_ACCESS = NO_LOGIN | {ACCESS_DENIED}
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
_SETTINGS = {
    # Batches are ours to make; a partition of a table is a month, and a batch may hold a century of them.
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    # Rows that are replaced within a batch wait for a merge, as all others do: reads take the greatest position anyway.
    "optimize_on_insert": 0,
    # On a replicated cluster a read must see every write confirmed before it; a single server ignores both.
    "insert_quorum": "auto",
    "select_sequential_consistency": 1,
}
_TIMEOUT_SECONDS = 30
_LONGEST_MESSAGE = 300

_T = TypeVar("_T")
ExternalTable: TypeAlias = list[dict[str, object]]


def connect(connection: ClickHouseConnection, seconds: float = _TIMEOUT_SECONDS, **settings: object) -> Client:
    """A client of this deployment's database; it connects at its first query and is for one thread at a time.

    An answer may take so many seconds to begin or to go on.
    """
    return NativeClient(
        host=connection.host,
        port=connection.port,
        user=connection.user,
        password=connection.password.reveal(),
        database=connection.database,
        secure=connection.secure,
        ca_certs=connection.ca_file or None,
        connect_timeout=5,
        send_receive_timeout=seconds,
        sync_request_timeout=5,
        settings=_SETTINGS | settings,
    )


@contextmanager
def database(
    connection: ClickHouseConnection, seconds: float = _TIMEOUT_SECONDS, **settings: object
) -> Iterator[Client]:
    """A client that is closed afterwards; errors of the driver inside become NotMigrated or Unreachable."""
    client = connect(connection, seconds, **settings)
    try:
        yield client
    except DRIVER_ERRORS as error:
        raise explain(error, connection) from error
    finally:
        client.disconnect()


def insert(client: Client, table: Table, rows: Sequence[Sequence[object] | Mapping[str, object]]) -> None:
    """Insert a few rows, in the order of the table's declared columns or by their names; raises what the driver does.

    Not for counts: it is tried once, and a retry is the caller's matter.
    """
    client.execute(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES", rows)


def external_table(columns: Mapping[str, str], rows: Iterable[Sequence[object]], name: str = "asked") -> ExternalTable:
    """A table that is sent along with a query: faster than literals, without their limit, and nothing to escape.

    `columns` are types by name.
    """
    data = [
        {name: value.encode() if isinstance(value, str) else value for name, value in zip(columns, row, strict=True)}
        for row in rows
    ]
    return [{"name": name, "structure": list(columns.items()), "data": data}]


def explain(error: Exception, connection: ClickHouseConnection) -> Exception:
    """Our error that says what to do about this error of the driver."""
    if isinstance(error, ServerException):
        if error.code in NOT_MIGRATED:
            return NotMigrated(f"ClickHouse at {connection.address}: {brief(error)}; run `dossier migrate`")
        if error.code in NO_ACCESS:
            return NoAccess(
                f"ClickHouse at {connection.address} refuses the user {connection.user}: {brief(error)}; correct "
                "DOSSIER_CLICKHOUSE_USER and DOSSIER_CLICKHOUSE_PASSWORD, or its grants"
            )
        return Unreachable(f"ClickHouse at {connection.address} answers: {brief(error)}")
    return Unreachable(
        f"ClickHouse at {connection.address} does not answer ({brief(error)}): start it, or correct DOSSIER_CLICKHOUSE"
    )


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, ServerException):
        return error.code in _TRANSIENT
    return isinstance(error, NetworkError | SocketTimeoutError | OSError | EOFError)


def brief(error: Exception) -> str:
    """The message of an error on one line, without its stack trace."""
    text = " ".join(str(error).split("Stack trace")[0].split())
    return text[:_LONGEST_MESSAGE] or type(error).__name__


def chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The values in lists of this size; the last one has the rest."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
