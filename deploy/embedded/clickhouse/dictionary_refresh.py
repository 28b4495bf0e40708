"""Refreshes dictionaries as a full ClickHouse server does: the engine as a library never reads them again itself."""

import logging
from contextlib import closing
from threading import Event
from typing import Any

from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.engine_connection import EngineConnection
from deploy.embedded.clickhouse.errors import ServerError
from deploy.embedded.clickhouse.statements import quoted

log = logging.getLogger(__name__)

SECONDS = 10.0
_READ = r"""
SELECT
    dictionaries.database,
    dictionaries.name,
    extract(tables.create_table_query, 'INVALIDATE_QUERY (\'(?:[^\'\\\\]|\\\\.)*\')'),
    status = 'FAILED' OR last_successful_update_time + lifetime_max <= now()
FROM system.dictionaries
INNER JOIN system.tables ON tables.database = dictionaries.database AND tables.name = dictionaries.name
WHERE status = 'FAILED' OR (status = 'LOADED' AND lifetime_max > 0)
"""
"""Dictionaries that were read before: the literal of their INVALIDATE_QUERY, and whether they are due without one."""


class DictionaryRefresh:
    """Reads a dictionary again when the answer to its INVALIDATE_QUERY has changed, or without one at its LIFETIME."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._answers: dict[tuple[str, str, str], Any] = {}
        """The last answers, by database, dictionary and query."""

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
        for database, name, literal, is_due in connection.rows(_READ):
            try:
                if literal:
                    key = (database, name, literal)
                    self._answers[key] = answer = connection.rows(connection.rows(f"SELECT {literal}")[0][0])
                    # One that is new here may have been read before the answer changed.
                    is_due = key not in before or before[key] != answer
                if is_due:
                    connection.execute(f"SYSTEM RELOAD DICTIONARY {quoted(database)}.{quoted(name)}")
            except ServerError as error:
                self._answers.pop((database, name, literal), None)
                log.debug("dictionary %s.%s is not refreshed: %s", database, name, error)
