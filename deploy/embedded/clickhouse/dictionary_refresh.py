"""Refreshes dictionaries as a full ClickHouse server does: the engine as a library never reads them again itself."""

import logging
from contextlib import closing
from threading import Event
from typing import Any, TypeAlias

from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.engine_connection import EngineConnection
from deploy.embedded.clickhouse.errors import ServerError
from deploy.embedded.clickhouse.statements import literal, quoted

log = logging.getLogger(__name__)

SECONDS = 10.0
_READ = """
SELECT database, name, toString(uuid), status = 'FAILED' OR last_successful_update_time + lifetime_max <= now()
FROM system.dictionaries
WHERE status = 'FAILED' OR (status = 'LOADED' AND lifetime_max > 0)
"""
"""Dictionaries that were read before, and whether they are due without an INVALIDATE_QUERY."""
_LITERAL = r"""
SELECT extract(create_table_query, 'INVALIDATE_QUERY (\'(?:[^\'\\\\]|\\\\.)*\')')
FROM system.tables
WHERE database = {} AND name = {}
"""
"""The literal of the INVALIDATE_QUERY of a dictionary."""

_Key: TypeAlias = tuple[str, str, str]
"""Database, name and id of a dictionary; one that is replaced has another id."""


class DictionaryRefresh:
    """Reads a dictionary again when the answer to its INVALIDATE_QUERY has changed, or without one at its LIFETIME."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queries: dict[_Key, str] = {}
        """The INVALIDATE_QUERY of each dictionary, or an empty text: reading them takes longer than asking them."""
        self._answers: dict[_Key, Any] = {}
        """The last answers."""

    def run(self, stopped: Event) -> None:
        """Refresh until stopped; failures are left to those who read the dictionary."""
        with closing(EngineConnection(self._engine)) as connection:
            while not stopped.wait(SECONDS):
                try:
                    self.refresh(connection)
                except ServerError as error:
                    log.debug("dictionaries are not refreshed: %s", error)

    def refresh(self, connection: EngineConnection) -> None:
        """Read again what has changed; raises ServerError where the engine cannot even be asked."""
        before, self._answers = self._answers, {}
        queries, self._queries = self._queries, {}
        # Several dictionaries may have the same query.
        asked: dict[str, Any] = {}
        for database, name, uuid, is_due in connection.rows(_READ):
            key = (database, name, uuid)
            try:
                query = queries[key] if key in queries else _invalidate_query(connection, database, name)
                self._queries[key] = query
                if query:
                    if query not in asked:
                        asked[query] = connection.rows(query)
                    self._answers[key] = answer = asked[query]
                    # One that is new here may have been read before the answer changed.
                    is_due = key not in before or before[key] != answer
                if is_due:
                    connection.execute(f"SYSTEM RELOAD DICTIONARY {quoted(database)}.{quoted(name)}")
            except ServerError as error:
                self._answers.pop(key, None)
                log.debug("dictionary %s.%s is not refreshed: %s", database, name, error)


def _invalidate_query(connection: EngineConnection, database: str, name: str) -> str:
    for (text,) in connection.rows(_LITERAL.format(literal(database), literal(name))):
        return str(connection.rows(f"SELECT {text}")[0][0]) if text else ""
    return ""
