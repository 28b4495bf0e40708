"""One client's session: a connection to the engine with its settings, temporary tables and current database."""

import json
import tempfile
from collections.abc import Generator, Hashable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing, contextmanager, suppress
from typing import IO, Any

from deploy.embedded.clickhouse import reader_rules as reading
from deploy.embedded.clickhouse import statements as statements
from deploy.embedded.clickhouse.engine import Engine, engine_errors
from deploy.embedded.clickhouse.errors import (
    ACCESS_DENIED,
    NO_SUCH_COLUMN,
    NOT_SUPPORTED,
    READ_ONLY,
    SYNTAX,
    TOO_MUCH,
    UNKNOWN_IDENTIFIER,
    UNKNOWN_SETTING,
    ServerError,
)
from deploy.embedded.clickhouse.native_blocks import Columns, header, layout, retyped, split
from deploy.embedded.clickhouse.statements import Insert, literal, quoted
from deploy.embedded.clickhouse.users import User
from schemas.access import CHANGEABLE, LIMITS

Settings = dict[str, tuple[str, bool]]
"""Values by name, and whether each is important: an unknown one is then an error."""
COMPUTED = frozenset({"MATERIALIZED", "ALIAS", "EPHEMERAL"})
OWN_LIMITS = "SETTINGS limit = 0, offset = 0"
"""Of the server's own queries, which must not be cut by what a client has set."""
READING_SETTINGS = "allow_introspection_functions = 0, print_pretty_type_names = 0, describe_compact_output = 0"
"""Of a reader's session, who can change none of them."""
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
        self._database = database
        self._chosen: dict[str, str] = {}
        self._connection, self.tag = engine.connect()
        self._applied: dict[str, str] = {}
        self._before: dict[str, str | None] = {}
        self._external: dict[str, Columns] = {}
        self._described: dict[Hashable, Columns] = {}
        self._described_since = engine.last_change
        try:
            if user.reads_only:
                self._begin_reading({})
            else:
                self._use(database)
                self._ask(f"SET {self._own_settings}")
        except ServerError:
            self.close()
            raise

    def close(self) -> None:
        """Forget the session with its temporary tables."""
        self._connection.close()

    def _use(self, database: str) -> None:
        if database:
            self._ask(f"USE {quoted(database)}")

    @property
    def _own_settings(self) -> str:
        # The tag is how a query is found to be killed; a real server does not know `1 + 1` as a query.
        return f"log_comment = '{self.tag}', implicit_select = 0"

    # Settings of a query

    def apply(self, settings: Settings) -> None:
        """Make these the settings, and undo those that only the last query had.

        Each is a value and whether it is important: a name the engine does not know is ignored unless it is.
        """
        if self._user.reads_only:
            self._begin_reading(settings)
            return
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

    def _begin_reading(self, settings: Settings) -> None:
        """Begin a reader's query on a connection of its own: once it cannot change settings, it never can again."""
        self._connection.close()
        self._external.clear()
        self._connection, self.tag = self._engine.connect()
        reading.refuse_database(self._database)
        self._use(self._database)
        asked = {name: value for name, (value, _) in settings.items() if name not in OWN_SETTINGS}
        others = asked.keys() - LIMITS.keys() - CHANGEABLE
        now = self._values(others) | {"readonly": "1"} if others else {}
        for name in others - now.keys():
            if settings[name][1]:
                raise ServerError(UNKNOWN_SETTING, f"Unknown setting {name!r}")
            del asked[name]
        limits = {name: str(most) for name, most in LIMITS.items()}
        self._applied = limits | self._chosen | reading.granted(asked, now)
        values = (f"{name} = {literal(value)}" for name, value in self._applied.items())
        self._ask(f"SET {', '.join((self._own_settings, READING_SETTINGS, *values))}")

    def _values(self, names: AbstractSet[str]) -> dict[str, str]:
        asked = ", ".join(literal(name) for name in names)
        return dict(self._rows(f"SELECT name, value FROM system.settings WHERE name IN ({asked})"))  # noqa: S608

    def _granted(self, assignments: str) -> dict[str, str]:
        """What a reader gets for what SET, or a query's SETTINGS, would change: tried where nothing else runs."""
        trial, changed = self._engine.connect()[0], "SELECT name, value FROM system.settings WHERE changed"
        with closing(trial), engine_errors():
            before, _, after = (trial.query(sql, "JSONCompact") for sql in (changed, f"SET {assignments}", changed))
            now = dict(json.loads(before.bytes())["data"])
            asked = {name: value for name, value in json.loads(after.bytes())["data"] if now.get(name) != value}
        return reading.granted(asked, {})

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
        if self._user.reads_only:
            return self._check_reading(sql, first)
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

    def _check_reading(self, sql: str, first: str) -> str:
        """What a reader may not say raises ServerError; returns what is to be run, empty where that is nothing."""
        if first in statements.SELECTS or first == "EXPLAIN":
            sql = statements.without_format(sql)
            # In parentheses nothing is a query that writes its answer into a file.
            tree = self._text(f"EXPLAIN AST SELECT * FROM (\n{sql}\n)")  # noqa: S608 it is parsed, not run
            settings = reading.refuse_tree(tree, self._engine.functions)
            if first == "EXPLAIN" and not reading.EXPLAINED.fullmatch(self._formatted(sql)):
                raise ServerError(ACCESS_DENIED, "a reader may explain queries only")
            if settings:
                formatted = self._formatted(sql)
                found = reading.CLOSING_SETTINGS.search(statements.masked(formatted))
                # The engine refuses those alone that close a query, not those within it.
                if settings > 1 or not found:
                    raise ServerError(READ_ONLY, "SETTINGS of a reader stand at the end of the query, once")
                for name, value in self._granted(formatted[slice(*found.span(1))]).items():
                    self._applied[name] = value
                    self._ask(f"SET {name} = {literal(value)}")
            return sql
        formatted = self._formatted(sql)
        if reading.ASKED.fullmatch(formatted):
            return formatted
        kind = self._text(f"EXPLAIN AST {formatted}").split()[:1] if first in {"SET", "USE"} else []
        if kind == ["Set"]:
            self._chosen |= self._granted(formatted.removeprefix("SET "))
        elif kind == ["UseQuery"]:
            self._ask(formatted)
            database = self._text("SELECT currentDatabase()")
            reading.refuse_database(database)
            self._database = database
        else:
            raise ServerError(READ_ONLY, f"{self._user.name}: Cannot execute query in readonly mode")
        return ""

    def _formatted(self, sql: str) -> str:
        """The statement as the engine writes it, which has one way to quote."""
        return self._text(f"SELECT formatQuerySingleLine({literal(sql)})")

    def _seen(self, sql: str, *database: str) -> Any:
        """What the engine's parser sees in a statement, which it does not run."""
        with self._answering():
            return self._connection._conn.classify_query(sql, *database)

    def run(self, sql: str, result: Result) -> Generator[bytes, None, None]:
        """Run a statement and yield its blocks, the first without rows, as they come; none where it has no answer.

        Close the iterator to cancel the query.
        """
        if not self._user.reads_only:
            yield from self._run(sql, result)
        elif sql:
            with self._engine.places.running():
                self._ask("SET ROLE NONE; SET readonly = 1")
                yield from self._run(sql, result)

    def _run(self, sql: str, result: Result) -> Generator[bytes, None, None]:
        if statements.first_word(sql) in statements.SELECTS:
            yield from self._select(sql, result)
            return
        try:
            with self._answering():
                answer = self._connection.query(sql, "Native")
                data: bytes = answer.bytes()
        finally:
            if not self._user.reads_only:
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
                # The engine asks its own limits only of queries that read something, never of constants.
                if self._user.reads_only and result.rows > LIMITS["max_result_rows"]:
                    raise ServerError(TOO_MUCH, f"Limit for result exceeded, max rows: {LIMITS['max_result_rows']:,}")
                if self._user.reads_only and result.size > LIMITS["max_result_bytes"]:
                    raise ServerError(TOO_MUCH, f"Limit for result exceeded, max bytes: {LIMITS['max_result_bytes']:,}")
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
        tables = ((name, *columns) for name, columns in self._external.items())
        key = what, self._database, *self._applied.items(), *tables
        if key in self._described:
            return self._described[key]
        # The settings guard against those of the client's query.
        rows = self._rows(f"DESCRIBE TABLE {what} {'' if self._user.reads_only else DESCRIBE_SETTINGS}")
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
        if self._external.pop(name, None) and not self._user.reads_only:
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

    def _text(self, sql: str) -> str:
        with self._answering():
            answer: bytes = self._connection.query(sql, "TSVRaw").bytes()
        return answer.decode().rstrip("\n")

    def _json(self, sql: str) -> Any:
        with self._answering():
            return json.loads(self._connection.query(sql, "JSONCompact").bytes())

    def _rows(self, sql: str) -> list[list[Any]]:
        rows: list[list[Any]] = self._json(sql)["data"]
        return rows
