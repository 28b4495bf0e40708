"""Migrated databases that tests take in turns: a migration takes a second, emptying a few tables does not."""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

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
_CHANGED = (
    "SELECT arraySort(groupArray((name, toString(uuid), toUnixTimestamp(metadata_modification_time)))), "
    "toUnixTimestamp(max(metadata_modification_time)) FROM system.tables "
    "WHERE database = currentDatabase() AND name NOT LIKE '.%'"
)
_APPLIED = "SELECT * FROM migrations FINAL ORDER BY ALL"
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
_FENCE = re.compile(r"CONSTRAINT `?(from_epoch_\d+)`?")
_SETTLE_SECONDS = 5.0

_Rows: TypeAlias = dict[str, list[tuple[Any, ...]]]
"""Rows by table."""


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
            return _Lent(plan, _structure(client), None, None)
        finally:
            client.disconnect()

    def _is_emptied(self, lent: "_Lent") -> bool:
        client = connect(lent.plan.clickhouse)
        try:
            if not _is_quiet(client):
                return False
            changed = _changed(client)
            if changed is None or changed != lent.changed:
                found = _structure(client)
                if found != lent.structure and (not _unfence(client, found) or _structure(client) != lent.structure):
                    return False
                lent.changed = _changed(client)
            _empty(client)
            if _refreshed(client) != lent.refreshed:
                if lent.rolled_up is None:
                    lent.rolled_up = _refresh(client)
                else:
                    _restore(client, lent.rolled_up)
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
    changed: Any
    """What was changed last, and when: with the structure as it is above."""
    refreshed: Any
    """When its refreshed tables were filled last, and with how much, where there is nothing else."""
    rolled_up: _Rows | None = None
    """Their rows then: a refreshed table may have some where there is nothing. None where that was never looked at."""


def _changed(client: Client) -> Any:
    """When each table was changed last, in whole seconds: None where another change could be of the same second.

    To read this takes a fifth of the time that the statements of all tables take.
    """
    times, latest = client.execute(_CHANGED)[0]
    return None if time.time() < latest + 2 else (times, client.execute(_APPLIED), sorted(client.execute(_REFRESHES)))


def _unfence(client: Client, structure: Any) -> bool:
    """Drop what a rebuild made against workers of former epochs, as the next test begins at the first: if anything."""
    fences = [(name, fence) for name, text in structure[1] for fence in _FENCE.findall(text)]
    for table, fence in fences:
        client.execute(f"ALTER TABLE {table} DROP CONSTRAINT {fence}")
    return bool(fences)


def _structure(client: Client) -> Any:
    return client.execute(_APPLIED), *(sorted(client.execute(sql)) for sql in (_TABLES, _REFRESHES))


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


def _refresh(client: Client) -> _Rows:
    """As after a migration: roll-ups are filled from tables that are empty. Returns their rows."""
    _truncate(client)
    for view in REFRESHES:
        client.execute(f"SYSTEM REFRESH VIEW {view}")
    for view in REFRESHES:
        client.execute(f"SYSTEM WAIT VIEW {view}")
    return {table: rows for table in _REFILLED if (rows := client.execute(f"SELECT * FROM {table}"))}


def _restore(client: Client, rolled_up: _Rows) -> None:
    """The same in a tenth of the time."""
    _truncate(client)
    for table, rows in rolled_up.items():
        client.execute(f"INSERT INTO {table} VALUES", rows)


def _truncate(client: Client) -> None:
    for view in REFRESHES:
        client.execute(f"SYSTEM WAIT VIEW {view}")  # one that had begun before, over what was there
    for table in _REFILLED:
        client.execute(f"TRUNCATE TABLE {table}")
