"""One client's session: what sessions of owners and of readers share.

`owner_session.py` and `reader_session.py` say which settings a query gets and which statements are allowed.
"""

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Hashable, Iterable, Iterator
from itertools import chain
from typing import IO, Any

from deploy.embedded.clickhouse import statements
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.engine_connection import EngineConnection
from deploy.embedded.clickhouse.errors import NO_SUCH_COLUMN, UNKNOWN_IDENTIFIER, ServerError
from deploy.embedded.clickhouse.native_blocks import Columns, header, layout, own_columns, retyped, split
from deploy.embedded.clickhouse.packets import Settings
from deploy.embedded.clickhouse.statements import Insert, quoted

COMPUTED = frozenset({"MATERIALIZED", "ALIAS", "EPHEMERAL"})
SERVER_SETTINGS = frozenset({"log_comment", "implicit_select", "send_logs_level"})
"""Not taken from a client: what the server sets itself, and the level that would fill its own output with logs."""
EXPECTED_LIMIT = 100
"""INSERTs of a session whose columns are cached, none of them longer than EXPECTED_SIZE."""
EXPECTED_SIZE = 10_000


class QueryStatistics:
    """Counts the blocks, rows and bytes of an answer as they come."""

    def __init__(self) -> None:
        self.blocks = self.rows = self.size = self.read_rows = self.read_size = self.written_rows = 0

    def add(self, piece: Any) -> None:
        """Add a piece of the engine's answer."""
        self.rows += piece.rows_read()
        self.read_rows += piece.storage_rows_read()
        self.read_size += piece.storage_bytes_read()
        self.written_rows += piece.rows_written()

    def add_block(self, block: bytes) -> None:
        """Add a block that is sent to the client."""
        self.blocks += 1
        self.size += len(block)


class Session(ABC):
    """A user's session; used by one thread. Queries raise ServerError with ClickHouse's code."""

    describe_settings = ""
    """Closes the server's own DESCRIBE, so that a client's settings cannot change its answer."""

    def __init__(self, engine: Engine, database: str = "") -> None:
        self._engine = engine
        self._database = database
        self._connection = EngineConnection(engine)
        self._applied: dict[str, str] = {}
        self._external: dict[str, Columns] = {}
        self._expected: dict[Hashable, Columns] = {}
        self._expected_since = engine.last_change
        try:
            self._begin()
        except ServerError:
            self.close()
            raise

    @property
    def tag(self) -> str:
        """How the engine finds the queries of this session."""
        return self._connection.tag

    @property
    def _server_settings(self) -> str:
        # The tag is how a query is found to be killed; a real server does not accept `1 + 1` as a query.
        return f"log_comment = '{self.tag}', implicit_select = 0"

    @abstractmethod
    def _begin(self) -> None:
        """Prepare the connection."""

    @abstractmethod
    def apply(self, settings: Settings) -> None:
        """Set the settings of the next query; raises ServerError for an important setting that is unknown."""

    @abstractmethod
    def check(self, sql: str) -> str:
        """Raise ServerError for a statement that is not allowed; returns it as it is to be run, without its FORMAT."""

    @abstractmethod
    def run(self, sql: str, statistics: QueryStatistics) -> Generator[bytes, None, None]:
        """Run a statement and yield its blocks, the first without rows; none where the statement has no answer.

        Close the iterator to cancel the query.
        """

    def close(self) -> None:
        """Close the session and drop its temporary tables."""
        self._connection.close()

    def _use(self, database: str) -> None:
        if database:
            self._connection.execute(f"USE {quoted(database)}")

    # Answers

    def _select(self, sql: str, statistics: QueryStatistics) -> Generator[bytes, None, None]:
        # Blocks do not contain a DateTime's zone, an empty answer has no block, and a running query allows no other
        # beside it. So a query is described first, unless its blocks are expected to name all types.
        query, shape = f"(\n{sql}\n)", statements.shape(sql)
        if self._engine.self_described.expects(shape):
            with self._connection.streamed(sql) as pieces:
                first = next(pieces, None)
                if first is not None and (named := own_columns(first.bytes())):
                    yield from self._sent(chain([first], pieces), shape, named, statistics)
                    return
            if first is None:
                yield header(self._describe(query))
                return
        began = time.perf_counter()
        columns = self._describe(query)
        described = time.perf_counter() - began
        with self._connection.streamed(sql) as pieces:
            yield from self._sent(pieces, shape, columns, statistics, described)

    def _sent(
        self,
        pieces: Iterable[Any],
        shape: str,
        columns: Columns,
        statistics: QueryStatistics,
        described: float | None = None,
    ) -> Iterator[bytes]:
        yield header(columns)
        for piece in pieces:
            block: bytes = piece.bytes()
            statistics.add(piece)
            statistics.add_block(block)
            yield retyped(block, columns)
        self._engine.self_described.learn(shape, columns, statistics.size, described)

    def _execute(self, sql: str, statistics: QueryStatistics) -> Generator[bytes, None, None]:
        """Run a statement other than SELECT, at once; its blocks follow."""
        answer, data = self._connection.native(sql)
        statistics.add(answer)
        return self._blocks(sql, data, statistics)

    def _blocks(self, sql: str, data: bytes, statistics: QueryStatistics) -> Generator[bytes, None, None]:
        for columns, block in split(data):
            if not statistics.blocks:
                yield header(columns)
            statistics.add_block(block)
            yield block
        if not data and self._connection.classified(sql)["query_class"].name == "READ_ONLY":
            yield header([(column["name"], column["type"]) for column in self._connection.json(sql)["meta"]])

    def _describe(self, what: str) -> Columns:
        """The columns of a table or query that a client may write to or read."""
        rows = self._connection.rows(f"DESCRIBE TABLE {what} {self.describe_settings}")
        return [(name, spec) for name, spec, default, *_ in rows if default not in COMPUTED]

    # Rows from the client

    def insert_columns(self, insert: Insert) -> Columns:
        """The columns that an INSERT expects, in its own order.

        They are cached until any session runs a statement that may change them. Those of a query are not: its types may
        depend on rows, as in `toDateTime(at, (SELECT zone FROM zones))`.
        """
        since = self._engine.last_change
        if since is not self._expected_since or len(self._expected) >= EXPECTED_LIMIT:
            self._expected.clear()
            self._expected_since = since
        columns = insert.columns[1:-1]
        what = f"(SELECT {columns} FROM {insert.target})" if columns else insert.target  # noqa: S608
        key = what, self._database, *self._applied.items(), *((name, *of) for name, of in self._external.items())
        if key in self._expected:
            return self._expected[key]
        try:
            wanted = self._describe(what)
        except ServerError as error:
            if error.code == UNKNOWN_IDENTIFIER:
                error = ServerError(NO_SUCH_COLUMN, str(error))
            raise error from None
        for _, spec in wanted:
            layout(spec)
        if len(what) <= EXPECTED_SIZE:
            self._expected[key] = wanted
        return wanted

    def spool(self) -> IO[bytes]:
        """A temporary file for blocks on their way to a table; closing removes it.

        The engine's own insert in pieces cannot be used: it reports success when the rows are refused.
        """
        return tempfile.NamedTemporaryFile(dir=self._engine.spool, prefix=self.tag, buffering=1 << 18)

    def insert(self, insert: Insert, file: IO[bytes], statistics: QueryStatistics) -> None:
        """Insert the blocks in a file."""
        if file.tell():
            file.flush()
            answer, _ = self._connection.native(insert.from_file(file.name))
            statistics.add(answer)

    def create_external(self, name: str, columns: Columns, file: IO[bytes]) -> None:
        """Create a temporary table from the rows that come with a query."""
        for _, spec in columns:
            layout(spec)
        definition = ", ".join(f"{quoted(column)} {spec}" for column, spec in columns)
        self._connection.execute(f"CREATE TEMPORARY TABLE {quoted(name)} ({definition})")
        self._external[name] = columns
        try:
            self.insert(Insert(target=quoted(name)), file, QueryStatistics())
        except ServerError:
            self.drop_external(name)
            raise

    def drop_external(self, name: str) -> None:
        """Drop such a table after the query."""
        if self._external.pop(name, None):
            self._connection.execute(f"DROP TEMPORARY TABLE IF EXISTS {quoted(name)}")
