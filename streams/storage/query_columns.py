"""The columns that queries have on the present tables and views.

Describing the queries of all views takes ClickHouse half a second, and an audit asks for them again and again: a query
is described anew only where something that it reads has changed.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from clickhouse_driver import Client

Columns: TypeAlias = list[tuple[str, str]]
"""Names and types, in order."""
_Key: TypeAlias = tuple[object, ...]

_KEPT = 500
"""Queries that are remembered; there are forty, and a change of a table describes most of them anew."""


def read_columns(client: Client) -> dict[str, Columns]:
    """The columns of all tables, views and dictionaries of the database, by name; raises what the driver does."""
    found: dict[str, Columns] = {}
    for table, name, kind in client.execute(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"
    ):
        found.setdefault(table, []).append((name, kind))
    return found


class QueryColumns:
    """Columns of queries on a database with these statements and columns, by name."""

    def __init__(self, client: Client, statements: Mapping[str, str], columns: Mapping[str, Columns]) -> None:
        self._client = client
        # After a query that failed the driver knows it no more.
        self._version = client.connection.server_info.version_tuple()
        self._statements = statements
        self._columns = columns

    def of(self, query: str) -> Columns:
        """The columns of a query; raises what the driver does."""
        known = _known()
        key = (self._version, query, self._read_by(query))
        if key not in known:
            rows = self._client.execute(f"DESCRIBE TABLE ({query})")
            if len(known) >= _KEPT:
                del known[next(iter(known))]
            known[key] = [(name, kind) for name, kind, *_ in rows]
        return known[key]

    def _read_by(self, query: str) -> frozenset[_Key]:
        """All that a query reads, itself or through views and dictionaries: at least what it names."""
        found: dict[str, _Key] = {}
        texts = [query]
        while texts:
            for name in set(re.findall(r"\w+", texts.pop())) & self._statements.keys() - found.keys():
                statement = self._statements[name]
                # A table is its columns: an index or a constraint changes no query.
                text = "" if statement.startswith("CREATE TABLE") else statement
                found[name] = (name, text, *self._columns.get(name, ()))
                texts.append(text)
        return frozenset(found.values())


@lru_cache(maxsize=1)
def _known() -> dict[_Key, Columns]:
    """Columns by engine, query and what it reads, filled as they are asked for."""
    return {}
