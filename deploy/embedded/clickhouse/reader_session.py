"""A session of a reader: each query runs on a connection of its own, which can only read."""

import json
from collections.abc import Generator
from collections.abc import Set as AbstractSet
from contextlib import closing

from deploy.embedded.clickhouse import reader_rules, statements
from deploy.embedded.clickhouse.engine import Engine, engine_errors
from deploy.embedded.clickhouse.engine_connection import EngineConnection
from deploy.embedded.clickhouse.errors import (
    ACCESS_DENIED,
    READ_ONLY,
    SYNTAX,
    TOO_MUCH,
    UNKNOWN_SETTING,
    ServerError,
)
from deploy.embedded.clickhouse.packets import Settings
from deploy.embedded.clickhouse.session import SERVER_SETTINGS, QueryStatistics, Session
from deploy.embedded.clickhouse.statements import literal
from schemas.reader_access import CHANGEABLE, LIMITS

READER_SETTINGS = "allow_introspection_functions = 0, print_pretty_type_names = 0, describe_compact_output = 0"
"""Set for every query of a reader, who cannot change them."""


class ReaderSession(Session):
    """Checks each statement by `reader_rules`, and gives it the settings that a reader may have."""

    def __init__(self, engine: Engine, name: str, database: str = "") -> None:
        self._name = name
        self._chosen: dict[str, str] = {}
        super().__init__(engine, database)

    def _begin(self) -> None:
        self.apply({})

    def apply(self, settings: Settings) -> None:
        """Start a query on a new connection: a connection that can no longer change settings never can again."""
        self._connection.close()
        self._external.clear()
        self._connection = EngineConnection(self._engine)
        reader_rules.refuse_database(self._database)
        self._use(self._database)
        asked = {name: value for name, (value, _) in settings.items() if name not in SERVER_SETTINGS}
        others = asked.keys() - LIMITS.keys() - CHANGEABLE
        now = self._values(others) | {"readonly": "1"} if others else {}
        for name in others - now.keys():
            if settings[name][1]:
                raise ServerError(UNKNOWN_SETTING, f"Unknown setting {name!r}")
            del asked[name]
        limits = {name: str(most) for name, most in LIMITS.items()}
        self._applied = limits | self._chosen | reader_rules.granted(asked, now)
        values = (f"{name} = {literal(value)}" for name, value in self._applied.items())
        self._connection.execute(f"SET {', '.join((self._server_settings, READER_SETTINGS, *values))}")

    def _values(self, names: AbstractSet[str]) -> dict[str, str]:
        asked = ", ".join(literal(name) for name in names)
        return dict(self._connection.rows(f"SELECT name, value FROM system.settings WHERE name IN ({asked})"))  # noqa: S608

    def _granted(self, assignments: str) -> dict[str, str]:
        """What a reader gets of the changes of SET or SETTINGS, which are tried on a separate connection."""
        trial, changed = self._engine.connect()[0], "SELECT name, value FROM system.settings WHERE changed"
        with closing(trial), engine_errors():
            before, _, after = (trial.query(sql, "JSONCompact") for sql in (changed, f"SET {assignments}", changed))
            now = dict(json.loads(before.bytes())["data"])
            asked = {name: value for name, value in json.loads(after.bytes())["data"] if now.get(name) != value}
        return reader_rules.granted(asked, {})

    def check(self, sql: str) -> str:
        """Raise ServerError for a statement that a reader may not run; returns what is to be run, empty for nothing."""
        if self._connection.classified(sql)["statement_count"] > 1:
            raise ServerError(SYNTAX, statements.MULTIPLE)
        sql = statements.without_end(sql)
        first = statements.first_word(sql)
        if not first:
            raise ServerError(SYNTAX, statements.EMPTY)
        if first in statements.SELECTS or first == "EXPLAIN":
            return self._check_query(sql, first)
        formatted = self._connection.formatted(sql)
        if reader_rules.ASKED.fullmatch(formatted):
            return formatted
        kind = self._connection.text(f"EXPLAIN AST {formatted}").split()[:1] if first in {"SET", "USE"} else []
        if kind == ["Set"]:
            self._chosen |= self._granted(formatted.removeprefix("SET "))
        elif kind == ["UseQuery"]:
            self._connection.execute(formatted)
            database = self._connection.text("SELECT currentDatabase()")
            reader_rules.refuse_database(database)
            self._database = database
        else:
            raise ServerError(READ_ONLY, f"{self._name}: Cannot execute query in readonly mode")
        return ""

    def _check_query(self, sql: str, first: str) -> str:
        sql = statements.without_format(sql)
        # In parentheses, no query can write its answer into a file.
        tree = self._connection.text(f"EXPLAIN AST SELECT * FROM (\n{sql}\n)")  # noqa: S608  # it is parsed, not run
        settings = reader_rules.refuse_tree(tree, self._engine.functions)
        if first == "EXPLAIN" and not reader_rules.EXPLAINED.fullmatch(self._connection.formatted(sql)):
            raise ServerError(ACCESS_DENIED, "a reader may explain queries only")
        if settings:
            formatted = self._connection.formatted(sql)
            found = reader_rules.CLOSING_SETTINGS.search(statements.masked(formatted))
            # The engine refuses only the SETTINGS that close a query, not those inside it.
            if settings > 1 or not found:
                raise ServerError(READ_ONLY, "SETTINGS of a reader stand at the end of the query, once")
            for name, value in self._granted(formatted[slice(*found.span(1))]).items():
                self._applied[name] = value
                self._connection.execute(f"SET {name} = {literal(value)}")
        return sql

    def run(self, sql: str, statistics: QueryStatistics) -> Generator[bytes, None, None]:
        """Run a statement and yield its blocks, up to the reader's limits."""
        if not sql:
            return
        with self._engine.reader_slots.running():
            self._connection.execute("SET ROLE NONE; SET readonly = 1")
            is_select = statements.first_word(sql) in statements.SELECTS
            with closing((self._select if is_select else self._execute)(sql, statistics)) as blocks:
                for block in blocks:
                    _check_limits(statistics)
                    yield block

    def drop_external(self, name: str) -> None:
        """Forget such a table; it ends with the query's connection."""
        self._external.pop(name, None)


def _check_limits(statistics: QueryStatistics) -> None:
    # The engine checks its own limits only for queries that read a table, never for constants.
    if statistics.rows > LIMITS["max_result_rows"]:
        raise ServerError(TOO_MUCH, f"Limit for result exceeded, max rows: {LIMITS['max_result_rows']:,}")
    if statistics.size > LIMITS["max_result_bytes"]:
        raise ServerError(TOO_MUCH, f"Limit for result exceeded, max bytes: {LIMITS['max_result_bytes']:,}")
