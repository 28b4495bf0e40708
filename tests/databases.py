"""Migrated databases that tests take in turns: a migration takes a second, emptying a few tables does not."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.tables import REFRESHES
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables

_TABLES = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND name NOT LIKE '.%'"
_REFRESHES = (
    "SELECT view, status IN ('Disabled', 'Disabling') FROM system.view_refreshes WHERE database = currentDatabase()"
)
_REFILLED = tuple(view.removeprefix("refresh_") for view in REFRESHES)
_REFRESHED = (
    "SELECT view, status, toString(last_success_time), last_success_duration_ms, read_rows, written_rows "
    "FROM system.view_refreshes WHERE database = currentDatabase() "
    "UNION ALL SELECT table, name, '', 0, rows, 0 FROM system.parts "
    "WHERE database = currentDatabase() AND active AND table IN %(refilled)s ORDER BY ALL"
)
_FENCED = (
    "SELECT name, extract(create_table_query, 'CONSTRAINT `?(from_epoch_[0-9]+)') AS fence FROM system.tables "
    "WHERE database = currentDatabase() AND fence != ''"
)
_SETTLE_SECONDS = 5.0


class Databases:
    """Lends migrated, empty databases of one server, by the default rules.

    A database whose structure, migrations or refreshes a test changed, or in which something still runs, is dropped
    instead of lent again: no test meets what another left.
    """

    def __init__(self, server: ClickHouseConnection) -> None:
        self._server = server
        self._free: list[_Lent] = []

    @contextmanager
    def lend(self) -> Iterator[Plan]:
        """A deployment with a database of its own until the end; it names no broker."""
        lent = self._free.pop() if self._free else self._make()
        yield lent.plan
        if self._is_emptied(lent):
            self._free.append(lent)
            return
        client = connect(self._server)
        try:
            client.execute(f"DROP DATABASE IF EXISTS `{lent.plan.clickhouse.database}` SYNC")
        finally:
            client.disconnect()

    def _make(self) -> "_Lent":
        own = structs.replace(self._server, database=f"test_{uuid.uuid4().hex[:12]}")
        plan = Plan(KafkaConnection("127.0.0.1:1"), own, Profile(), partitions=8, replication=1, replicated=False)
        make_tables(plan, lambda _: None, dry_run=False)
        client = connect(own)
        try:
            return _Lent(plan, _structure(client), None)
        finally:
            client.disconnect()

    def _is_emptied(self, lent: "_Lent") -> bool:
        client = connect(lent.plan.clickhouse)
        try:
            if not _is_quiet(client):
                return False
            for table, fence in client.execute(_FENCED):
                # A rebuild made it against workers of former epochs; the next test begins at the first.
                client.execute(f"ALTER TABLE {table} DROP CONSTRAINT {fence}")
            if _structure(client) != lent.structure:
                return False
            _empty(client)
            if _refreshed(client) != lent.refreshed:
                _refresh(client)
                lent.refreshed = _refreshed(client)
        except (Error, OSError, EOFError):
            return False
        finally:
            client.disconnect()
        return True


@dataclass(slots=True)
class _Lent:
    plan: Plan
    structure: Any
    refreshed: Any
    """What its refreshed tables hold where there is nothing else; None where that was never looked at."""


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
    tables = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%%MergeTree' "
        "AND name NOT LIKE '.%%' AND name != 'migrations' AND name NOT IN %(refilled)s AND total_rows > 0"
    )
    for (table,) in client.execute(tables, {"refilled": _REFILLED}):
        client.execute(f"TRUNCATE TABLE `{table}`")
    filled = "SELECT name FROM system.dictionaries WHERE database = currentDatabase() AND element_count > 0"
    for (dictionary,) in client.execute(filled):
        client.execute(f"SYSTEM RELOAD DICTIONARY `{dictionary}`")


def _refreshed(client: Client) -> Any:
    """What the refreshed tables hold, by when they were filled last and their parts: the same while nobody writes."""
    return client.execute(_REFRESHED, {"refilled": _REFILLED})


def _refresh(client: Client) -> None:
    """As after a migration: a refreshed table may have rows where there is nothing, so it is refreshed anew."""
    for view in REFRESHES:
        client.execute(f"SYSTEM WAIT VIEW {view}")  # one that had begun before, over what was there
    for table in _REFILLED:
        client.execute(f"TRUNCATE TABLE {table}")
    for view in REFRESHES:
        client.execute(f"SYSTEM REFRESH VIEW {view}")
    for view in REFRESHES:
        client.execute(f"SYSTEM WAIT VIEW {view}")
