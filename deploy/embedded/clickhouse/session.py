"""One client's session: a connection to the engine with its settings, temporary tables and current database."""

import json
import tempfile
from collections.abc import Generator, Hashable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO, Any

from deploy.embedded.clickhouse import sql as statements
from deploy.embedded.clickhouse.blocks import Columns, header, layout, retyped, split
from deploy.embedded.clickhouse.engine import Engine, engine_errors
from deploy.embedded.clickhouse.errors import (
    NO_SUCH_COLUMN,
    NOT_SUPPORTED,
    READ_ONLY,
    SYNTAX,
    UNKNOWN_IDENTIFIER,
    UNKNOWN_SETTING,
    ServerError,
)
from deploy.embedded.clickhouse.sql import Insert, literal, quoted
from deploy.embedded.clickhouse.users import User

Settings = dict[str, tuple[str, bool]]
"""Values by name, and whether each is important: an unknown one is then an error."""
COMPUTED = frozenset({"MATERIALIZED", "ALIAS", "EPHEMERAL"})
OWN_LIMITS = "SETTINGS limit = 0, offset = 0"
"""Of the server's own queries, which must not be cut by what a client has set."""
DESCRIBE_SETTINGS = f"{OWN_LIMITS}, print_pretty_type_names = 0, describe_compact_output = 0"
OWN_SETTINGS = frozenset({"log_comment", "implicit_select", "send_logs_level"})
"""Not taken from a client: what the server sets itself, and the level that would fill its own output with logs."""
DESCRIBED_LIMIT = 100
"""Statements of a session whose columns are remembered, none of them longer than DESCRIBED_SIZE."""
DESCRIBED_SIZE = 10_000


class Result:
    """The blocks of an answer as they come, counted."""

    def __init__(self) -> None:
        self.blocks = self.rows = self.size = self.read_rows = self.read_size = self.written_rows = 0

    def count(self, piece: Any) -> None:
        """Take a piece of the engine's answer into account."""
        self.rows += piece.rows_read()
        self.read_rows += piece.storage_rows_read()
        self.read_size += piece.storage_bytes_read()
        self.written_rows += piece.rows_written()


class Session:
    """A user's connection; used by one thread. Queries raise ServerError with ClickHouse's code."""

    def __init__(self, engine: Engine, user: User, database: str = "") -> None:
        self._engine = engine
        self._user = user
        self._connection, self.tag = engine.connect()
        self._applied: dict[str, str] = {}
        self._before: dict[str, str | None] = {}
        self._external: dict[str, Columns] = {}
        self._described: dict[Hashable, Columns] = {}
        self._described_since = engine.last_change
        try:
            if database:
                self._ask(f"USE {quoted(database)}")
            # The tag is how a query is found to be killed; a real server does not know `1 + 1` as a query.
            self._ask(f"SET log_comment = '{self.tag}', implicit_select = 0, readonly = {2 * user.reads_only}")
        except ServerError:
            self.close()
            raise

    def close(self) -> None:
        """Forget the session with its temporary tables."""
        self._connection.close()

    # Settings of a query

    def apply(self, settings: Settings) -> None:
        """Make these the settings, and undo those that only the last query had.

        Each is a value and whether it is important: a name the engine does not know is ignored unless it is.
        """
        if names := settings.keys() - self._before.keys() - OWN_SETTINGS:
            self._remember(names)
        for name in names - self._before.keys():
            if settings[name][1]:
                raise ServerError(UNKNOWN_SETTING, f"Unknown setting {name!r}")
        wanted = {name: value for name, (value, _) in settings.items() if name in self._before}
        undone = {name: self._before[name] for name in self._applied if name not in wanted}
        changed = {name: value for name, value in wanted.items() if self._applied.get(name) != value}
        # Noted before it is done: what a failure leaves half done is undone by the next query.
        self._applied |= changed
        parts = [f"{name} = {'DEFAULT' if old is None else literal(old)}" for name, old in undone.items()]
        parts += [f"{name} = {literal(value)}" for name, value in changed.items()]
        if parts:
            self._ask("SET " + ", ".join(parts))
        self._applied = wanted

    def _remember(self, names: set[str]) -> None:
        """Note what settings were before a query changed them: None is the default."""
        asked = ", ".join(literal(name) for name in names)
        found = self._rows(f"SELECT name, value, changed FROM system.settings WHERE name IN ({asked}) {OWN_LIMITS}")  # noqa: S608
        self._before |= {name: value if changed else None for name, value, changed in found}

    # Queries

    def check(self, sql: str) -> str:
        """What a real server would refuse raises ServerError; returns the statement without its FORMAT."""
        seen = self._seen(sql)
        if seen["statement_count"] > 1:
            raise ServerError(SYNTAX, "Multi-statements are not allowed: send one query at a time")
        sql = statements.without_end(sql)
        kind, first = seen["query_class"].name, statements.first_word(sql)
        if not first:
            raise ServerError(SYNTAX, "Empty query")
        if self._user.reads_only and (
            first == "INSERT" or kind.startswith("MUTATING") or (kind == "CONTROL" and first not in {"SET", "USE"})
        ):
            raise ServerError(READ_ONLY, f"{self._user.name}: Cannot execute query in readonly mode")
        if kind == "READ_ONLY" or first in statements.SELECTS:
            return statements.without_format(sql)
        if first != "INSERT":
            statements.refuse_foreign(sql)
        if (
            first in {"CREATE", "ATTACH"}
            and kind == "MUTATING"
            and self._seen(sql, "default")["writes_only_target_database"]
        ):
            raise ServerError(NOT_SUPPORTED, "create tables in a database of their own, not in `default`")
        if first == "SET":
            # What it changes may be what a later query's settings are undone to.
            self.apply({})
            self._before = {}
        return sql

    def _seen(self, sql: str, *database: str) -> Any:
        """What the engine's parser sees in a statement, which it does not run."""
        with self._answering():
            return self._connection._conn.classify_query(sql, *database)

    def run(self, sql: str, result: Result) -> Generator[bytes, None, None]:
        """Run a statement and yield its blocks, the first without rows, as they come; none where it has no answer.

        Close the iterator to cancel the query.
        """
        if statements.first_word(sql) in statements.SELECTS:
            yield from self._select(sql, result)
            return
        try:
            with self._answering():
                answer = self._connection.query(sql, "Native")
                data: bytes = answer.bytes()
        finally:
            # Whatever it was: also what a name means may be another thing after USE, or a temporary table.
            self._engine.last_change = object()
        result.count(answer)
        for columns, block in split(data):
            if not result.blocks:
                yield header(columns)
            result.blocks, result.size = result.blocks + 1, result.size + len(block)
            yield block
        if not data and self._seen(sql)["query_class"].name == "READ_ONLY":
            yield header([(column["name"], column["type"]) for column in self._json(sql)["meta"]])

    def _select(self, sql: str, result: Result) -> Iterator[bytes]:
        # Asked first: a column's zone is in no block, and a running query allows no other one beside it.
        columns = self._describe(f"(\n{sql}\n)")
        yield header(columns)
        with self._answering(), closing(self._connection.send_query(sql, "Native")) as pieces:
            for piece in pieces:
                block: bytes = piece.bytes()
                result.count(piece)
                result.blocks, result.size = result.blocks + 1, result.size + len(block)
                yield retyped(block, columns)

    def _describe(self, what: str) -> Columns:
        """The columns of a table or query that a client may write to or read.

        Asking takes a third of the time of a small query, so answers are remembered until some session runs what may
        change them.
        """
        since = self._engine.last_change
        if since is not self._described_since or len(self._described) >= DESCRIBED_LIMIT:
            self._described.clear()
            self._described_since = since
        key = what, *self._applied.items(), *((name, *columns) for name, columns in self._external.items())
        if key in self._described:
            return self._described[key]
        # The settings guard against those of the client's query.
        rows = self._rows(f"DESCRIBE TABLE {what} {DESCRIBE_SETTINGS}")
        columns = [(name, spec) for name, spec, default, *_ in rows if default not in COMPUTED]
        if len(what) <= DESCRIBED_SIZE and not statements.called(what) & self._engine.unsteady:
            self._described[key] = columns
        return columns

    # Rows from the client

    def insert_columns(self, insert: Insert) -> Columns:
        """The columns an INSERT expects, in its own order."""
        columns = insert.columns[1:-1]
        try:
            wanted = self._describe(f"(SELECT {columns} FROM {insert.target})" if columns else insert.target)  # noqa: S608
        except ServerError as error:
            if error.code == UNKNOWN_IDENTIFIER:
                error = ServerError(NO_SUCH_COLUMN, str(error))
            raise error from None
        for _, spec in wanted:
            layout(spec)
        return wanted

    def spool(self) -> IO[bytes]:
        """A file for blocks on their way to a table; it is gone when it is closed.

        A file, because the engine's own way to insert piece by piece reports success when the rows are refused.
        """
        return tempfile.NamedTemporaryFile(dir=self._engine.spool, prefix=self.tag, buffering=1 << 18)

    def insert(self, insert: Insert, file: IO[bytes], result: Result) -> None:
        """Insert the blocks in a file."""
        if file.tell():
            file.flush()
            with self._answering():
                result.count(self._connection.query(insert.from_file(file.name), "Native"))

    def create_external(self, name: str, columns: Columns, file: IO[bytes]) -> None:
        """Create a temporary table that a query comes with."""
        for _, spec in columns:
            layout(spec)
        definition = ", ".join(f"{quoted(column)} {spec}" for column, spec in columns)
        self._ask(f"CREATE TEMPORARY TABLE {quoted(name)} ({definition})")
        self._external[name] = columns
        try:
            self.insert(Insert(target=quoted(name)), file, Result())
        except ServerError:
            self.drop_external(name)
            raise

    def drop_external(self, name: str) -> None:
        """Remove it after the query."""
        self._external.pop(name, None)
        self._ask(f"DROP TEMPORARY TABLE IF EXISTS {quoted(name)}")

    # The engine

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            with engine_errors():
                yield
        except ServerError:
            # A query that fails may leave the beginning of its answer, which would be taken for the next one's.
            with suppress(ServerError), engine_errors():
                self._connection.query(f"SET log_comment = '{self.tag}'", "Native")
            raise

    def _ask(self, sql: str) -> None:
        with self._answering():
            self._connection.query(sql, "Native")

    def _json(self, sql: str) -> Any:
        with self._answering():
            return json.loads(self._connection.query(sql, "JSONCompact").bytes())

    def _rows(self, sql: str) -> list[list[Any]]:
        rows: list[list[Any]] = self._json(sql)["data"]
        return rows
