"""CREATE statements as the engine formats them, without what may differ between a database and its declaration.

Formatting takes ClickHouse half of a comparison, which comes again and again, while statements seldom change: each is
formatted once in the life of a process.
"""

import re
from collections.abc import Hashable, Sequence
from functools import lru_cache

from clickhouse_driver import Client

_KEPT = 1000
"""Statements that are remembered; a declaration has a tenth of them."""
_FOUND = (
    "SELECT name, create_table_query, {formatted} AS formatted, currentDatabase() FROM system.tables "
    "WHERE database = currentDatabase()"
)


def found_statements(client: Client) -> dict[str, str]:
    """The statements of everything in the database, by name; raises what the driver does."""
    rows = client.execute(_FOUND.format(formatted="NULL"))
    known = _known("found", client.connection.server_info.version_tuple())
    found = {name: known.get(_without_database(text, database)) for name, text, _, database in rows}
    if new := [name for name, text in found.items() if text is None]:
        sql = f"{_FOUND.format(formatted='formatQueryOrNull(create_table_query)')} AND name IN %(new)s"
        # As they are now: what was dropped since is not there, and what was changed is found as it was changed.
        for name, statement, text, database in client.execute(sql, {"new": new}):
            found[name] = plain = normal(text or "", database)
            _remember(known, _without_database(statement, database), plain)
    return {name: text for name, text in found.items() if text is not None}


def formatted(client: Client, statements: Sequence[str]) -> list[str]:
    """These statements; raises what the driver does."""
    ((database,),) = client.execute("SELECT currentDatabase()")
    known = _known("declared", client.connection.server_info.version_tuple())
    found = {statement: known.get(statement) for statement in statements}
    if new := [statement for statement, text in found.items() if text is None]:
        sql = "SELECT arrayMap(statement -> formatQuery(statement), %(new)s)"
        for statement, text in zip(new, client.execute(sql, {"new": new})[0][0], strict=True):
            found[statement] = text
            _remember(known, statement, text)
    return [normal(found[statement] or "", database) for statement in statements]


def normal(text: str, database: str) -> str:
    """A formatted CREATE statement without what may differ: database, comments, replication, definer."""
    text = re.sub(r"\s+COMMENT '(?:[^'\\]|\\.)*'", "", _without_database(text, database))
    # A server may have its own default for the rights with which a view reads.
    text = re.sub(r"\n(?:DEFINER = \S+ )?SQL SECURITY \w+", "", text)
    text = re.sub(r"^CREATE OR REPLACE ", "CREATE ", text)
    text = re.sub(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?", r"\1(", text)
    return re.sub(r"Replicated(\w*MergeTree)", r"\1", text).replace("MergeTree()", "MergeTree")


def _without_database(text: str, database: str) -> str:
    return re.sub(
        rf"(?P<literal>'(?:[^'\\]|\\.)*')|\b{re.escape(database)}\.|`{re.escape(database)}`\.",
        lambda match: match["literal"] or "",
        text,
    )


@lru_cache(maxsize=4)
def _known(_kind: str, _version: Hashable) -> dict[str, str]:
    """Statements as the engine of a version formats them, filled as they are asked for."""
    return {}


def _remember(known: dict[str, str], statement: str, text: str) -> None:
    if len(known) >= _KEPT:
        del known[next(iter(known))]
    known[statement] = text
