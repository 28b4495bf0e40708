"""What is in a database, or set for who asks it, that nothing declares and that changes what figures show."""

import re

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from schemas.ddl import structure
from schemas.tables import REFRESHES, VIEWS

_TELLING = ("limit", "offset", "additional_table_filters", "additional_result_filter")
"""Settings that show fewer rows; beside them whatever breaks off instead of failing."""
_DENIED = 497


def intrusions(client: Client) -> list[str]:
    """What changes figures unasked, each in words and with what to do; raises what the driver does.

    Who may not look at row policies hears of none.
    """
    return [*_triggers(client), *_settings(client), *_policies(client)]


def others(client: Client) -> list[str]:
    """Tables and views of this database that nothing declares, and that change nothing of ours."""
    ours = (*structure(), *VIEWS, *REFRESHES)
    rows = client.execute(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, '.') "
        "AND name NOT IN %(ours)s AND NOT match(name, '_(rebuilt|replayed)$') "
        "AND name || '.sql' NOT IN (SELECT name FROM migrations) ORDER BY name",
        {"ours": ours},
    )
    return [name for (name,) in rows]


def _triggers(client: Client) -> list[str]:
    """Materialized views, of whatever database, that write into our tables."""
    rows = client.execute(
        "SELECT currentDatabase(), database, name, create_table_query FROM system.tables "
        "WHERE engine = 'MaterializedView'"
    )
    found = []
    for ours, database, name, query in rows:
        target = re.search(r" TO (?:`?(?P<database>[^`. ]+)`?\.)?`?(?P<table>[^`. ]+)`? \(", query.partition(" AS ")[0])
        if not target or (target["database"] or database) != ours or target["table"] not in structure():
            continue
        if database != ours or name not in ("sources_of_events", *REFRESHES):
            found.append(
                f"materialized view {database}.{name} writes into {target['table']}, which nothing declares: "
                f"DROP VIEW `{database}`.`{name}`, then `dossier audit` tells what it did"
            )
    return found


def _settings(client: Client) -> list[str]:
    rows = client.execute(
        "SELECT name FROM system.settings WHERE changed "
        "AND (name IN %(telling)s OR (endsWith(name, 'overflow_mode') AND value = 'break'))",
        {"telling": _TELLING},
    )
    return [f"setting {name} is set for this user, so that what it reads is not whole: unset it" for (name,) in rows]


def _policies(client: Client) -> list[str]:
    """Row policies that hide rows from this program itself; from whom else a site hides rows is its own matter."""
    try:
        rows = client.execute(
            "SELECT short_name, table, select_filter FROM system.row_policies "
            "WHERE database IN (currentDatabase(), '*', '') "
            "AND (has(apply_to_list, currentUser()) OR (apply_to_all AND NOT has(apply_to_except, currentUser())))"
        )
    except ServerException as error:
        if error.code == _DENIED:
            return []
        raise
    return [
        f"row policy {name} hides rows of {table or 'all tables'} from this user (but where {shown!r:.200}): drop it, "
        "or except this user from it"
        for name, table, shown in rows
    ]
