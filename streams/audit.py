"""The audit: every window again from facts, every fact again from raw events, and each difference told."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import groupby
from typing import Any

from clickhouse_driver.errors import Error
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.events import Event
from schemas.profile import Profile
from schemas.tables import AUDITS, FACTS
from streams.audit_views import ViewDifference, of_views
from streams.clickhouse import ClickHouseStore, connect, database, explain, insert
from streams.facts import facts_of
from streams.queries import query
from streams.registers import joined, pack
from streams.replay import stored_events
from streams.rows import facts_row
from streams.store import Stored

_ATTEMPTS = 5


class WindowDifference(Struct, frozen=True):
    """A counter of a window that is not what the facts add up to; `window` is its start in UTC."""

    agency: str
    window: str
    partition: int
    counter: str
    stored: int
    recomputed: int


class FactsDifference(Struct, frozen=True):
    """A column of a case's facts that is not what its events say; a missing row is the column `dossier`."""

    dossier: str
    column: str
    stored: str
    recomputed: str


class Audit(Struct, frozen=True):
    """What an audit found; `conflicts` are event ids with several contents, which are counted but want a look."""

    dossiers: int
    events: int
    windows: int
    window_differences: list[WindowDifference]
    facts_differences: list[FactsDifference]
    conflicts: int
    view_differences: list[ViewDifference] = []

    @property
    def differences(self) -> int:
        """How many differences there are."""
        return len(self.window_differences) + len(self.facts_differences) + len(self.view_differences)


def write_down(clickhouse: ClickHouseConnection, found: Audit, at: datetime, seconds: float) -> None:
    """Enter an audit that ended then into the table `audits`; raises Unreachable or NotMigrated."""
    counts = len(found.facts_differences), len(found.window_differences) + len(found.view_differences)
    row = (at, seconds, found.dossiers, found.windows, found.events, *counts, found.conflicts)
    with database(clickhouse) as client:
        insert(client, AUDITS, [row])


def audit(
    clickhouse: ClickHouseConnection, profile: Profile, on_progress: Callable[[int], None] | None = None
) -> Audit:
    """Recompute everything and compare; `on_progress` hears how many dossiers are done.

    While workers count, rows of one batch may be seen in part: what differs is then looked at again once they have
    moved on, up to five times. Raises Unreachable or NotMigrated.
    """
    try:
        with closing(ClickHouseStore(clickhouse)) as store:
            for _ in range(_ATTEMPTS):
                before = store.read_counted()
                found = _audit(clickhouse, profile, on_progress)
                if not found.differences or store.read_counted() == before:
                    break
    except (Error, OSError, EOFError) as error:
        raise explain(error, clickhouse) from error
    return found


def _audit(clickhouse: ClickHouseConnection, profile: Profile, on_progress: Callable[[int], None] | None) -> Audit:
    client = connect(clickhouse)
    windows = [WindowDifference(*map(_plain, row)) for row in client.execute(query("audit_windows", profile))]
    (counted,) = client.execute("SELECT count() FROM windows FINAL")
    (conflicts,) = client.execute("SELECT count() FROM event_conflicts")
    shown = of_views(client, profile)
    client.disconnect()
    differences: list[FactsDifference] = []
    dossiers = events = 0
    for dossier, of_dossier, stored in _merged(stored_events(clickhouse), _facts(clickhouse)):
        events += len(of_dossier)
        dossiers += 1
        differences += _compare(dossier, of_dossier, stored, profile)
        if on_progress and dossiers % 1000 == 0:
            on_progress(dossiers)
    return Audit(dossiers, events, counted[0], windows, differences, conflicts[0], shown)


def _compare(
    dossier: bytes, events: list[Event], stored: tuple[Any, ...] | None, profile: Profile
) -> list[FactsDifference]:
    name = dossier.decode()
    registers = joined(events)
    if not registers and stored is None:
        return []
    if not registers or stored is None:
        return [FactsDifference(name, "dossier", *(("missing", name) if stored is None else (name, "missing")))]
    partition = stored[_PARTITION]
    recomputed = facts_row(name, partition, Stored(stored[_POS], pack(registers)), facts_of(registers), profile)
    return [
        FactsDifference(name, column, _text(is_), _text(should))
        for column, is_, should in zip(FACTS.columns, stored, recomputed, strict=True)
        if _comparable(is_) != _comparable(should)
    ]


_POS = list(FACTS.columns).index("pos")
_PARTITION = list(FACTS.columns).index("partition")


def _facts(clickhouse: ClickHouseConnection) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    columns = ", ".join(_as_integers(name, kind) for name, kind in FACTS.columns.items())
    for row in _rows(clickhouse, f"SELECT {columns} FROM facts FINAL ORDER BY dossier"):  # noqa: S608  # our names
        yield row[0], row


def _as_integers(column: str, kind: str) -> str:
    if "DateTime64" not in kind:
        return column
    if kind.startswith("Array"):
        return f"arrayMap(at -> toUnixTimestamp64Micro(at), {column})"
    return f"toUnixTimestamp64Micro({column})"


def _rows(clickhouse: ClickHouseConnection, sql: str) -> Iterator[tuple[Any, ...]]:
    client = connect(clickhouse, strings_as_bytes=True)
    try:
        yield from client.execute_iter(sql)
    finally:
        client.disconnect()


def _merged(
    events: Iterator[tuple[bytes, Event]], facts: Iterator[tuple[bytes, tuple[Any, ...]]]
) -> Iterator[tuple[bytes, list[Event], tuple[Any, ...] | None]]:
    """Both sides dossier by dossier; they come in the order of the dossiers' bytes."""
    row = next(facts, None)
    for dossier, group in groupby(events, key=lambda pair: pair[0]):
        while row is not None and row[0] < dossier:
            yield row[0], [], row[1]
            row = next(facts, None)
        found = row[1] if row is not None and row[0] == dossier else None
        yield dossier, [event for _, event in group], found
        if found is not None:
            row = next(facts, None)
    while row is not None:
        yield row[0], [], row[1]
        row = next(facts, None)


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return value.encode()
    return list(value) if isinstance(value, tuple) else value


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _plain(value: object) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
