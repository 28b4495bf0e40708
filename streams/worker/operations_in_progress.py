"""The reads, inserts and sends that a worker's threads have in progress."""

import threading

from msgspec import Struct

from schemas.tables import DEAD_LETTERS

DEAD_LETTER_TOPIC = f"{DEAD_LETTERS.name}_topic"
"""The name under which sends to the dead-letter topic are measured, beside the tables."""


class Operation(Struct):
    """An operation in progress, when it began, and its last failure."""

    name: str
    table: str
    since: float
    failure: str = ""


class Operations:
    """At most one operation for each thread. Not thread-safe: the caller holds a lock."""

    def __init__(self) -> None:
        self._by_thread: dict[int, Operation] = {}

    def begin(self, name: str, table: str, now: float) -> None:
        """Note that this thread begins an operation."""
        self._by_thread[threading.get_ident()] = Operation(name, table, now)

    def end(self) -> None:
        """Note that this thread has ended its operation."""
        del self._by_thread[threading.get_ident()]

    def failed(self, failure: str) -> Operation | None:
        """Note why this thread's operation is retried; None where it has none in progress."""
        operation = self._by_thread.get(threading.get_ident())
        if operation is not None:
            operation.failure = failure
        return operation

    @property
    def oldest(self) -> Operation | None:
        """The one that has been in progress for the longest time."""
        return min(self._by_thread.values(), key=lambda each: each.since, default=None)
