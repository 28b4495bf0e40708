"""A session of the owner, who may do everything that a real server would let it do."""

from collections.abc import Generator

from deploy.embedded.clickhouse import statements
from deploy.embedded.clickhouse.errors import NOT_SUPPORTED, SYNTAX, UNKNOWN_SETTING, ServerError
from deploy.embedded.clickhouse.packets import Settings
from deploy.embedded.clickhouse.session import SERVER_SETTINGS, QueryStatistics, Session
from deploy.embedded.clickhouse.statements import literal

UNLIMITED = "SETTINGS limit = 0, offset = 0"
"""For the server's own queries, which a client's settings must not cut."""


class OwnerSession(Session):
    """Applies the settings of each query and undoes them afterwards."""

    describe_settings = f"{UNLIMITED}, print_pretty_type_names = 0, describe_compact_output = 0"

    def _begin(self) -> None:
        self._before: dict[str, str | None] = {}
        self._use(self._database)
        self._connection.execute(f"SET {self._server_settings}")

    def apply(self, settings: Settings) -> None:
        """Set these settings, and undo those that only the last query had.

        Each is a value and whether it is important: an unknown name is ignored unless it is important.
        """
        if names := settings.keys() - self._before.keys() - SERVER_SETTINGS:
            self._remember(names)
        for name in names - self._before.keys():
            if settings[name][1]:
                raise ServerError(UNKNOWN_SETTING, f"Unknown setting {name!r}")
        wanted = {name: value for name, (value, _) in settings.items() if name in self._before}
        undone = {name: self._before[name] for name in self._applied if name not in wanted}
        changed = {name: value for name, value in wanted.items() if self._applied.get(name) != value}
        # Recorded before it is done: the next query undoes what a failure leaves half done.
        self._applied |= changed
        parts = [f"{name} = {'DEFAULT' if old is None else literal(old)}" for name, old in undone.items()]
        parts += [f"{name} = {literal(value)}" for name, value in changed.items()]
        if parts:
            self._connection.execute("SET " + ", ".join(parts))
        self._applied = wanted

    def _remember(self, names: set[str]) -> None:
        """Record the values of settings before a query changes them; None is the default."""
        asked = ", ".join(literal(name) for name in names)
        sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({asked}) {UNLIMITED}"  # noqa: S608
        self._before |= {name: value if changed else None for name, value, changed in self._connection.rows(sql)}

    def check(self, sql: str) -> str:
        """Raise ServerError for what a real server would refuse; returns the statement without its FORMAT."""
        parsed = self._connection.classified(sql)
        if parsed["statement_count"] > 1:
            raise ServerError(SYNTAX, statements.MULTIPLE)
        sql = statements.without_end(sql)
        kind, first = parsed["query_class"].name, statements.first_word(sql)
        if not first:
            raise ServerError(SYNTAX, statements.EMPTY)
        if kind == "READ_ONLY" or first in statements.SELECTS:
            return statements.without_format(sql)
        if first != "INSERT":
            statements.refuse_foreign(sql)
        if (
            first in {"CREATE", "ATTACH"}
            and kind == "MUTATING"
            and self._connection.classified(sql, "default")["writes_only_target_database"]
        ):
            raise ServerError(NOT_SUPPORTED, "create tables in a database of their own, not in `default`")
        if first == "SET":
            # It may change the values to which a later query's settings are undone.
            self.apply({})
            self._before = {}
        return sql

    def run(self, sql: str, statistics: QueryStatistics) -> Generator[bytes, None, None]:
        """Run a statement and yield its blocks."""
        if statements.first_word(sql) in statements.SELECTS:
            yield from self._select(sql, statistics)
            return
        try:
            blocks = self._execute(sql, statistics)
        finally:
            # After any statement: USE and temporary tables also change what a name means.
            self._engine.last_change = object()
        yield from blocks
