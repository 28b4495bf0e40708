"""The report of a tree: the figures of agencies, each of itself with all below it, as the tree was then or is today."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from clickhouse_driver import Client
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.instant import EARLIEST, LATEST
from schemas.rule_names import RuleName
from streams.queries import query
from streams.reports.report import FIGURES, Freshness, read_freshness, with_rates
from streams.reports.roll_up import Path, Sums, merged, roll_up
from streams.storage.clickhouse_client import database

TreeAs: TypeAlias = Literal["then", "today"]
NOT_DECLARED = "chưa khai báo / not declared"
_CURRENT = "load = (SELECT max(load) FROM reference_loads WHERE kind = 'agencies')"


class Selection(Struct, frozen=True):
    """Which nodes: those of a level, or one agency, with all below it where `tree`; `tree` alone is everything.

    With a level and an agency, those of the level among the agency and all below it.
    """

    level: str = ""
    agency: str = ""
    tree: bool = False


class Label(Struct, frozen=True):
    """What an agency is called; `path` is its place on the day of the tree, empty where it is no node that day.

    `is_valid` says whether it has a version that day.
    """

    name: str = NOT_DECLARED
    name_en: str = ""
    level: str = ""
    group: str = ""
    path: Path = ()
    is_valid: bool = False
    is_declared: bool = True


class NodeReport(Struct, frozen=True):
    """The figures and rates of nodes, each of itself with all below it, and its own figures as `own`.

    With `tree`, nodes come in the order of the tree, each after the one above it. `total` is of all that was counted.
    """

    as_of: datetime
    rules: str
    leading_rule: RuleName
    tree_as: TreeAs
    nodes: list[dict[str, Any]]
    total: dict[str, Any]
    freshness: Freshness


def node_report(
    clickhouse: ClickHouseConnection,
    profile: Profile,
    selection: Selection,
    tree_as: TreeAs = "today",
    since: datetime | None = None,
    until: datetime | None = None,
) -> NodeReport:
    """The report of what happened from `since` up to, not including, `until`; open and overdue are as of now.

    Without a level, it has no nodes where the selected agency is neither declared nor counted. Figures come from
    windows, never from a roll-up. Instants must be aware, and begin and end windows. Raises Unreachable or NotMigrated.
    """
    now = datetime.now(UTC)
    last = min(until - timedelta(microseconds=1), now) if until and tree_as == "then" else now
    day = last.astimezone(profile.zone).date()
    span = {"since": since or EARLIEST, "until": until or LATEST}
    parameters = {key: round(at.timestamp()) for key, at in span.items()} | {"then": tree_as == "then"}
    with database(clickhouse) as client:
        rows = client.execute(query("report_places", profile, counters=", ".join(COUNTERS)), parameters)
        labels = _labels(client, day)
        code = _code(client, selection.agency, day if tree_as == "today" else None)
        fresh = read_freshness(client)
    places = [(tuple(path), (*(counted or _NOTHING), waiting, late)) for path, counted, waiting, late in rows]
    nodes = roll_up(places, len(FIGURES))
    found = chosen(nodes, labels, Selection(selection.level, code, selection.tree), profile)
    total = merged((sums for path, sums in nodes.items() if len(path) == 1), len(FIGURES))
    return NodeReport(
        now, profile.rules, profile.leading, tree_as, found, with_rates(_named(total.whole), profile), fresh
    )


def chosen(
    nodes: Mapping[Path, Sums], labels: Mapping[str, Label], selection: Selection, profile: Profile
) -> list[dict[str, Any]]:
    """The selected nodes with their labels; valid agencies are there also where they have no figures.

    In a tree, an agency that had several parents is below each of them, with what it had there; elsewhere it is one.
    """
    empty = Sums([0] * len(FIGURES))
    paths = {**dict.fromkeys((label.path for label in labels.values() if label.is_valid), empty), **nodes}
    grouped: dict[Path, list[Sums]] = {}
    above: dict[str, str] = {}
    is_below_meant = selection.tree or bool(selection.level)
    for path, sums in paths.items():
        code = path[-1]
        above[code] = path[-2] if len(path) > 1 else ""
        if selection.agency and selection.agency not in (path if is_below_meant else path[-1:]):
            continue
        if selection.level and labels.get(code, _UNKNOWN).level != selection.level:
            continue
        first = path.index(selection.agency) if selection.agency else 0
        grouped.setdefault(path[first:] if selection.tree else path[-1:], []).append(sums)
    if selection.agency and not selection.level and not grouped and selection.agency in labels:
        grouped[selection.agency,] = [empty]
    found = []
    for key, several in grouped.items():
        label, sums = labels.get(key[-1], _UNKNOWN), merged(several, len(FIGURES))
        parent = key[-2] if len(key) > 1 else label.path[-2] if len(label.path) > 1 else above.get(key[-1], "")
        found.append((key, _node(key[-1], parent, label, sums, profile)))
    if selection.tree:
        found.sort(key=lambda pair: pair[0])
    else:
        found.sort(key=lambda pair: (-pair[1]["received"], pair[0]))
    return [node | {"depth": len(key)} for key, node in found] if selection.tree else [node for _, node in found]


_UNKNOWN = Label(is_declared=False)
_NOTHING = (0,) * len(COUNTERS)


def _node(code: str, parent: str, label: Label, sums: Sums, profile: Profile) -> dict[str, Any]:
    named = {"code": code, "name": label.name, "name_en": label.name_en, "parent": parent, "level": label.level}
    named |= {"group": label.group}
    return (
        named | {"is_declared": label.is_declared} | with_rates(_named(sums.whole), profile) | {"own": _named(sums.own)}
    )


def _named(values: Iterable[int]) -> dict[str, int]:
    return dict(zip(FIGURES, values, strict=True))


def _labels(client: Client, day: date) -> dict[str, Label]:
    """Declared agencies as they were called that day; those that were none then, as they are called now."""
    named = "SELECT code, name_vi, name_en, level, `group` FROM agency_names"
    labels = {code: Label(name, name_en, level, group) for code, name, name_en, level, group in client.execute(named)}
    sql = (
        "SELECT code, name_vi, name_en, level, `group`, path, is_valid FROM agency_tree(as_of = %(day)s) "
        "WHERE is_declared"
    )
    for code, name, name_en, level, group, path, is_valid in client.execute(sql, {"day": day}):
        labels[code] = Label(name, name_en, level, group, tuple(path), is_valid)
    return labels


def _code(client: Client, name: str, day: date | None) -> str:
    """The code of the node of this code or alias: on a day, that of its successor where it has been merged."""
    if day is None:
        sql = "SELECT code FROM agencies WHERE {} AND (code = %(name)s OR has(aliases, %(name)s)) LIMIT 1"
    else:
        sql = (
            "SELECT path[-1] FROM agency_placements WHERE {} AND agency = %(name)s "
            "AND %(day)s BETWEEN valid_from AND valid_to"
        )
    found = client.execute(sql.format(_CURRENT), {"name": name, "day": day}) if name else []
    return str(found[0][0]) if found else name
