"""Loads of reference data in ClickHouse: written whole or not at all, read by number, restored, and listed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from secrets import randbelow
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from msgspec import Struct, structs

from schemas.instant import to_micros
from schemas.reference.changes import Change, digest, summary
from schemas.reference.official import Official
from schemas.tables import OFFICIAL_NAMES, REFERENCE_LOADS
from streams.errors import NoSuchLoad, NotExclusive
from streams.reference.kinds import KINDS, Kind, KindName

_ROWS_AT_ONCE = 20_000
_CHANGES_KEPT = 100
_ABANDONED = timedelta(days=1)
"""Rows without a line in reference_loads are of a load that was killed once they are this old."""


class Load(Struct, frozen=True):
    """A load: its line in `reference_loads`, which was written last. `changes` are lines, the first one a summary."""

    kind: KindName
    load: int
    loaded_at: datetime
    loaded_by: str
    digest: str
    files: tuple[str, ...]
    rows: int
    changes: str
    restored_from: int

    @property
    def summary(self) -> str:
        """What it changed, in one line."""
        return self.changes.partition("\n")[0]


def history(client: Client, kind: KindName | None = None, most: int | None = None) -> list[Load]:
    """All loads, or the newest of them, the newest first; raises what the driver does."""
    limit = "" if most is None else f" LIMIT {most}"
    rows = client.execute(
        f"SELECT {', '.join(REFERENCE_LOADS.columns)} FROM reference_loads "  # noqa: S608  # our own names
        f"WHERE kind IN %(kinds)s ORDER BY load DESC, kind{limit}",
        {"kinds": (kind,) if kind else tuple(KINDS)},
    )
    return [_load(*row) for row in rows]


def current(client: Client, kind: KindName) -> Load | None:
    """The load of this kind that holds; None before the first one."""
    return next(iter(history(client, kind, most=1)), None)


def content(client: Client, kind: Kind[Any], load: Load | None, *, with_names: bool = False) -> list[Any]:
    """What a load declares, ordered by code; nothing for None. The names of officials only of the current load."""
    if load is None:
        return []
    found = declared(client, kind, load.load)
    if not (with_names and kind.name == "officials"):
        return found
    names = _names(client)
    return [structs.replace(official, name=names.get(official.code, "")) for official in found]


def declared(client: Client, kind: Kind[Any], number: int) -> list[Any]:
    """What the load of this number declares, without names of officials; nothing for 0."""
    columns = ", ".join(f"`{column}`" for column in kind.columns)
    rows = client.execute(
        f"SELECT {columns} FROM {kind.table.name} WHERE load = %(load)s ORDER BY ALL",  # noqa: S608  # our own names
        {"load": number},
    )
    return [kind.from_row(row) for row in rows]


def declared_names(client: Client, kind: Kind[Any], load: Load | None) -> set[str]:
    """The codes that a load declares, and the aliases of its agencies; a calendar declares none."""
    if load is None or not kind.has_codes:
        return set()
    named = (
        "agency AS name FROM agency_placements" if kind.name == "agencies" else f"code AS name FROM {kind.table.name}"
    )
    rows = client.execute(f"SELECT DISTINCT {named} WHERE load = %(load)s", {"load": load.load})
    return {name for (name,) in rows}


def changes(client: Client, kind: Kind[Any], after: Sequence[Any]) -> list[Change]:
    """What a load with this content would change."""
    before = content(client, kind, current(client, kind.name), with_names=True)
    return kind.changes(before, _with_known_names(before, after))


def write(
    client: Client,
    kind: Kind[Any],
    after: Sequence[Any],
    *,
    by: str,
    files: Sequence[str] = (),
    restored_from: int = 0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Load | None:
    """Make a load with this content the current one; None where the current one has the same content.

    Its rows are written first and its line in `reference_loads` last, so a load that is interrupted anywhere does not
    exist. Raises NotExclusive where another load of the kind was made meanwhile, and what the driver does.
    """
    before = current(client, kind.name)
    _drop_former_names(client, kind, before)
    whole = digest(after)
    declared = content(client, kind, before, with_names=True)
    after = _with_known_names(declared, after)
    changed = kind.changes(declared, after)
    if before and before.digest == whole and not changed:
        return None
    begun = now()
    number = _number(client, kind, begun)
    _drop_abandoned(client, kind, begun)
    for table, rows in kind.rows(after):
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            _insert(client, table.name, table.columns, number, rows[first : first + _ROWS_AT_ONCE])
    line = Load(kind.name, number, now(), by, whole, tuple(files), len(after), changes_text(changed), restored_from)
    stored = _mark(client, line, before)
    _drop_former_names(client, kind, stored)
    return stored


def restore(client: Client, kind: Kind[Any], number: int, *, by: str) -> Load | None:
    """Make the content of an earlier load the current one, as a new load; None where it is the same.

    Officials keep the names that are known today. Raises NoSuchLoad, and what `write` does.
    """
    loads = history(client, kind.name)
    chosen = next((load for load in loads if load.load == number), None)
    if chosen is None:
        raise NoSuchLoad(
            f"there is no load {number} of {kind.name}: `dossier reference history {kind.name}` lists them"
        )
    earlier = content(client, kind, chosen, with_names=True)
    return write(client, kind, earlier, by=by, restored_from=number)


def reload(client: Client, kind: Kind[Any]) -> bool:
    """Let dictionaries of this server read the current load at once; others do within half a minute.

    Returns False where this server does not, such as for lack of a grant: then it does within half a minute, too.
    """
    try:
        for name in kind.dictionaries:
            client.execute(f"SYSTEM RELOAD DICTIONARY {name}")
    except ServerException:
        return False
    return True


def changes_text(changed: Sequence[Change]) -> str:
    """What is kept of the changes: a summary, and a line for each of the first hundred."""
    lines = [summary(changed), *map(str, changed[:_CHANGES_KEPT])]
    if len(changed) > _CHANGES_KEPT:
        lines.append(f"and {len(changed) - _CHANGES_KEPT:,} more")
    return "\n".join(lines)


def _load(
    kind: KindName, load: int, loaded_at: datetime, loaded_by: str, digest: str, files: list[str], *rest: Any
) -> Load:
    return Load(kind, load, loaded_at, loaded_by, digest, tuple(files), *rest)


def _with_known_names(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """Officials of a file without names have the names that they had."""
    known = {each.code: each.name for each in before if isinstance(each, Official)}
    return [
        structs.replace(each, name=known.get(each.code, ""))
        if isinstance(each, Official) and each.name is None
        else each
        for each in after
    ]


def _names(client: Client) -> dict[str, str]:
    return dict(
        client.execute(
            "SELECT code, name FROM official_names "
            "WHERE load = (SELECT max(load) FROM reference_loads WHERE kind = 'officials')"
        )
    )


def _number(client: Client, kind: Kind[Any], begun: datetime) -> int:
    """A number greater than that of any load, also of one without a line, and though the clock was set back."""
    names = [table.name for table in (REFERENCE_LOADS, *kind.tables)]
    union = " UNION ALL ".join(f"SELECT max(load) AS load FROM {name}" for name in names)  # noqa: S608  # our own names
    ((greatest,),) = client.execute(f"SELECT max(load) FROM ({union})")  # noqa: S608
    # Two that begin at once with a clock that was set back must not take the same number.
    return max(to_micros(begun), int(greatest) + 1 + randbelow(1000))


def _drop_abandoned(client: Client, kind: Kind[Any], begun: datetime) -> None:
    for table in kind.tables:
        condition = "load < %(since)s AND load NOT IN (SELECT load FROM reference_loads WHERE kind = %(kind)s)"
        parameters = {"since": to_micros(begun - _ABANDONED), "kind": kind.name}
        found = client.execute(f"SELECT DISTINCT load FROM {table.name} WHERE {condition}", parameters)  # noqa: S608
        if loads := tuple(load for (load,) in found):
            client.execute(f"ALTER TABLE {table.name} DELETE WHERE load IN %(loads)s", {"loads": loads})


def _drop_former_names(client: Client, kind: Kind[Any], load: Load | None) -> None:
    """Names of loads before this one are personal data that nobody needs; a load that was killed may have left some."""
    if kind.name != "officials" or load is None:
        return
    condition, former = "WHERE load < %(load)s", {"load": load.load}
    ((left,),) = client.execute(f"SELECT count() FROM {OFFICIAL_NAMES.name} {condition}", former)  # noqa: S608  # ours
    if left:
        client.execute(f"ALTER TABLE {OFFICIAL_NAMES.name} DELETE {condition}", former)


def _insert(client: Client, table: str, columns: Iterable[str], number: int, rows: Sequence[Sequence[Any]]) -> None:
    names = ", ".join(f"`{column}`" for column in columns)
    by_column = [[number] * len(rows), *map(list, zip(*rows, strict=True))]
    client.execute(f"INSERT INTO {table} ({names}) VALUES", by_column, columnar=True)


def _mark(client: Client, line: Load, before: Load | None) -> Load:
    """Write the line of a load, unless another load became the current one after `before`; returns it as stored."""
    values = structs.asdict(line) | {
        "loaded_at": to_micros(line.loaded_at) // 1000,
        "before": before.load if before else 0,
    }
    client.execute(
        f"INSERT INTO reference_loads ({', '.join(REFERENCE_LOADS.columns)}) "  # noqa: S608  # our own names
        "SELECT %(kind)s, %(load)s, fromUnixTimestamp64Milli(%(loaded_at)s, 'UTC'), %(loaded_by)s, %(digest)s, "
        "%(files)s, %(rows)s, %(changes)s, %(restored_from)s "
        "WHERE (SELECT max(load) FROM reference_loads WHERE kind = %(kind)s) = %(before)s",
        values | {"files": list(line.files)},
    )
    newest = current(client, line.kind)
    if newest is None or newest.load != line.load:
        who, number = (newest.loaded_by, newest.load) if newest else ("somebody", 0)
        raise NotExclusive(
            f"{who} loaded other {line.kind} meanwhile (load {number}), so these do not hold: see "
            "`dossier reference diff`, then load them again"
        )
    return newest
