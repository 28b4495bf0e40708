"""Migrated databases that tests take in turns: a migration takes a second, emptying a few tables does not."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.profile import Profile
from schemas.tables import REFRESHES
from streams.storage.clickhouse import connect
from streams.storage.plan import Plan
from streams.storage.table_migration import make_tables

_TABLES = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND name NOT LIKE '.%'"
_REFRESHES = (
    "SELECT view, status IN ('Disabled', 'Disabling') FROM system.view_refreshes WHERE database = currentDatabase()"
)
_SETTLE_SECONDS = 5.0


class Databases:
    """Lends migrated, empty databases of one server, by the default rules.

    A database whose structure, migrations or refreshes a test changed, or in which something still runs, is dropped
    instead of lent again: no test meets what another left.
    """

    def __init__(self, server: ClickHouseConnection) -> None:
        self._server = server
        self._free: list[tuple[Plan, Any]] = []

    @contextmanager
    def lend(self) -> Iterator[Plan]:
        """A deployment with a database of its own until the end; it names no broker."""
        plan, structure = self._free.pop() if self._free else self._make()
        yield plan
        client = connect(self._server)
        try:
            if self._is_emptied(plan, structure):
                self._free.append((plan, structure))
            else:
                client.execute(f"DROP DATABASE IF EXISTS `{plan.clickhouse.database}` SYNC")
        finally:
            client.disconnect()

    def _make(self) -> tuple[Plan, Any]:
        own = structs.replace(self._server, database=f"test_{uuid.uuid4().hex[:12]}")
        plan = Plan(KafkaConnection("127.0.0.1:1"), own, Profile(), partitions=8, replication=1, replicated=False)
        make_tables(plan, lambda _: None, dry_run=False)
        client = connect(own)
        try:
            return plan, _structure(client)
        finally:
            client.disconnect()

    def _is_emptied(self, plan: Plan, structure: Any) -> bool:
        client = connect(plan.clickhouse)
        try:
            if not _is_quiet(client) or _structure(client) != structure:
                return False
            _empty(client)
        except (Error, OSError, EOFError):
            return False
        finally:
            client.disconnect()
        return True


def _structure(client: Client) -> Any:
    applied = client.execute("SELECT * FROM migrations FINAL ORDER BY ALL")
    return applied, *(sorted(client.execute(sql)) for sql in (_TABLES, _REFRESHES))


def _is_quiet(client: Client) -> bool:
    """Whether nothing of a killed client runs on: what it inserts could come after the tables are emptied."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    running = "SELECT count() FROM system.processes WHERE current_database = currentDatabase()"
    while client.execute(running)[0][0] > 1:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _empty(client: Client) -> None:
    """As after a migration: a refreshed table may have rows where there is nothing, so it is refreshed anew."""
    tables = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
        "AND name NOT LIKE '.%' AND name != 'migrations'"
    )
    for (table,) in client.execute(tables):
        client.execute(f"TRUNCATE TABLE `{table}`")
    for view in REFRESHES:
        client.execute(f"SYSTEM WAIT VIEW {view}")  # one that had begun before, over what was there
        client.execute(f"SYSTEM REFRESH VIEW {view}")
    for view in REFRESHES:
        client.execute(f"SYSTEM WAIT VIEW {view}")
