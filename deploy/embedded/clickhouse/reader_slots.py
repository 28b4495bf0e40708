"""Admission control for readers: how many may be connected, and how many of their queries run at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.embedded.clickhouse.errors import TOO_MANY_QUERIES, ServerError

PARALLEL = 8
CONNECTIONS = 100
WAIT_SECONDS = 30.0


class ReaderSlots:
    """Slots for connections and for running queries of readers; owners need none."""

    def __init__(self, connections: int = CONNECTIONS, parallel: int = PARALLEL, seconds: float = WAIT_SECONDS) -> None:
        self._connections = threading.BoundedSemaphore(connections)
        self._queries = threading.BoundedSemaphore(parallel)
        self._seconds = seconds

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Occupy a connection's slot; raises ServerError where none is free."""
        if not self._connections.acquire(blocking=False):
            raise ServerError(TOO_MANY_QUERIES, "Too many readers are connected")
        try:
            yield
        finally:
            self._connections.release()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Occupy a query's slot, waiting until one is free; raises ServerError when that takes too long."""
        if not self._queries.acquire(timeout=self._seconds):
            raise ServerError(TOO_MANY_QUERIES, "Too many queries of readers run at once")
        try:
            yield
        finally:
            self._queries.release()
