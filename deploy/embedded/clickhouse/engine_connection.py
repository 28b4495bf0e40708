"""One connection to the engine: statements in, answers out, and the engine's errors as ServerError."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from deploy.embedded.clickhouse.engine import Engine, engine_errors
from deploy.embedded.clickhouse.errors import ServerError
from deploy.embedded.clickhouse.statements import literal


class EngineConnection:
    """A connection for one session; `tag` is how the engine finds its queries, to kill them."""

    def __init__(self, engine: Engine) -> None:
        self._connection, self.tag = engine.connect()

    def close(self) -> None:
        """Close the connection and drop its temporary tables."""
        self._connection.close()

    def execute(self, sql: str) -> None:
        """Run a statement whose answer does not matter."""
        with self._answering():
            self._connection.query(sql, "Native")

    def native(self, sql: str) -> tuple[Any, bytes]:
        """The answer in one piece: its statistics, and its blocks in the Native format."""
        with self._answering():
            answer = self._connection.query(sql, "Native")
            data: bytes = answer.bytes()
        return answer, data

    @contextmanager
    def streamed(self, sql: str) -> Iterator[Iterator[Any]]:
        """The answer piece by piece; leaving the block cancels what is still running."""
        with self._answering(), closing(self._connection.send_query(sql, "Native")) as pieces:
            yield iter(pieces)

    def text(self, sql: str) -> str:
        """The answer as text."""
        with self._answering():
            answer: bytes = self._connection.query(sql, "TSVRaw").bytes()
        return answer.decode().rstrip("\n")

    def json(self, sql: str) -> Any:
        """The answer as ClickHouse's JSONCompact has it: `meta` and `data`."""
        with self._answering():
            return json.loads(self._connection.query(sql, "JSONCompact").bytes())

    def rows(self, sql: str) -> list[list[Any]]:
        """The rows of the answer."""
        rows: list[list[Any]] = self.json(sql)["data"]
        return rows

    def classified(self, sql: str, *database: str) -> Any:
        """What the engine's parser says about a statement, which it does not run."""
        with self._answering():
            return self._connection._conn.classify_query(sql, *database)

    def formatted(self, sql: str) -> str:
        """The statement as the engine writes it, which has only one way to quote."""
        return self.text(f"SELECT formatQuerySingleLine({literal(sql)})")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            with engine_errors():
                yield
        except ServerError:
            # A failed query may leave the beginning of its answer, which the next query would return.
            with suppress(ServerError), engine_errors():
                self._connection.query(f"SET log_comment = '{self.tag}'", "Native")
            raise
