"""Requests that arrive together are published and flushed together; each is settled once Kafka has all its events."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from connectors.errors import ConnectorError
from connectors.publishing.publisher import Publisher
from schemas.events import Event

_MOST_EVENTS = 50_000
_SECONDS = 10.0


class Busy(ConnectorError):
    """More waits for Kafka than is accepted: send it again later."""


class GroupCommit:
    """Commits the events of requests on a thread of its own.

    A publisher that failed is replaced by a new one for the requests that come next. What a failed request published
    may have arrived: the sender repeats it, and repeated events change nothing.
    """

    def __init__(
        self, connect: Callable[[], Publisher], *, most_events: int = _MOST_EVENTS, seconds: float = _SECONDS
    ) -> None:
        self._connect = connect
        self._publisher: Publisher | None = connect()
        self._most = most_events
        self._seconds = seconds
        self._waiting: deque[tuple[Sequence[Event], Future[None]]] = deque()
        self._events = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="portal-commit", daemon=True)
        self._thread.start()

    def commit(self, events: Sequence[Event]) -> "Future[None]":
        """Settled when Kafka has all of these events, or with the error for which it may not; raises Busy."""
        future: Future[None] = Future()
        with self._changed:
            if self._stopped:
                raise Busy("the receiver is stopping")
            if self._waiting and self._events + len(events) > self._most:
                raise Busy(f"{self._events} events wait for Kafka already")
            self._events += len(events)
            self._waiting.append((events, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Commit what waits, and release the publisher."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()
        self._drop()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                group, self._waiting = list(self._waiting), deque()
                self._events = 0
            if not group:
                return
            try:
                self._publish(group)
            except Exception as error:  # whatever failed, none of these requests may be acknowledged
                self._drop()
                for _, future in group:
                    future.set_exception(error)
            else:
                for _, future in group:
                    future.set_result(None)

    def _publish(self, group: Sequence[tuple[Sequence[Event], Future[None]]]) -> None:
        if self._publisher is None:
            self._publisher = self._connect()
        for events, _ in group:
            for event in events:
                self._publisher.publish(event)
        self._publisher.flush(self._seconds)

    def _drop(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            with suppress(ConnectorError):
                publisher.close(self._seconds)
