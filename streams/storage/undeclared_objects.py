"""Objects and settings of a database that nothing declares, and whether they change figures."""

import re

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from schemas.ddl import structure
from schemas.tables import DICTIONARIES, REFRESHES, VIEWS
from streams.storage.clickhouse_client import ACCESS_DENIED

_LIMITING = ("limit", "offset", "additional_table_filters", "additional_result_filter")
"""Settings that hide rows, beside the overflow modes that break off instead of failing."""


def interfering_objects(client: Client) -> list[str]:
    """What changes figures without being declared, each in words and with what to do; raises what the driver does.

    A user who must not see row policies gets none of them.
    """
    return [*_triggers(client), *_settings(client), *_policies(client)]


def harmless_objects(client: Client) -> list[str]:
    """Tables and views of this database that nothing declares, and that do not touch ours."""
    ours = (*structure(), *DICTIONARIES, *VIEWS, *REFRESHES)
    rows = client.execute(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, '.') "
        "AND name NOT IN %(ours)s AND NOT match(name, '_(rebuilt|replayed)$') "
        "AND name || '.sql' NOT IN (SELECT name FROM migrations) ORDER BY name",
        {"ours": ours},
    )
    return [name for (name,) in rows]


def _triggers(client: Client) -> list[str]:
    """Materialized views of any database that write into our tables."""
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
                f"DROP VIEW `{database}`.`{name}`, then `dossier audit` shows what it did"
            )
    return found


def _settings(client: Client) -> list[str]:
    rows = client.execute(
        "SELECT name FROM system.settings WHERE changed "
        "AND (name IN %(limiting)s OR (endsWith(name, 'overflow_mode') AND value = 'break'))",
        {"limiting": _LIMITING},
    )
    return [f"setting {name} is set for this user, so its results are incomplete: unset it" for (name,) in rows]


def _policies(client: Client) -> list[str]:
    """Row policies that hide rows from this program; those for other users are the site's own matter."""
    try:
        rows = client.execute(
            "SELECT short_name, table, select_filter FROM system.row_policies "
            "WHERE database IN (currentDatabase(), '*', '') "
            "AND (has(apply_to_list, currentUser()) OR (apply_to_all AND NOT has(apply_to_except, currentUser())))"
        )
    except ServerException as error:
        if error.code == ACCESS_DENIED:
            return []
        raise
    return [
        f"row policy {name} hides rows of {table or 'all tables'} from this user (except where {shown!r:.200}): "
        "drop it, or except this user from it"
        for name, table, shown in rows
    ]
