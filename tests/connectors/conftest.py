"""What the connectors' tests share: a topic in memory, and events to publish."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.publishing.kafka_transport import OnDone
from schemas.envelope import decode
from schemas.events import AnyEvent, Progressed


class MemoryTransport:
    """A topic in memory; `held` keeps acknowledgements back, `failure` refuses everything with this error."""

    def __init__(self, partitions: int = 4) -> None:
        self.address = "memory"
        self.topic = "test-events"
        self.partitions = partitions
        self.records: list[tuple[int, bytes]] = []
        self.held = False
        self.failure: Exception | None = None
        self.closed = False
        self._waiting: list[OnDone] = []
        self._changed = threading.Condition()

    def send(self, partition: int, value: bytes, on_done: OnDone) -> None:
        with self._changed:
            self.records.append((partition, value))
            self._changed.notify_all()
            if self.held:
                self._waiting.append(on_done)
                return
        on_done(self.failure)

    def release(self) -> None:
        self.held = False
        waiting, self._waiting = self._waiting, []
        for on_done in waiting:
            on_done(self.failure)

    def close(self) -> None:
        self.closed = True
        self.release()

    def wait_for(self, records: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.records) >= records, timeout=10)

    def events(self) -> list[tuple[int, AnyEvent]]:
        """What a reader finds, in order per partition."""
        found = []
        for partition, value in self.records:
            decoded = decode(value, datetime.now(UTC))
            assert not decoded.rejections
            found += [(partition, event) for _, event in decoded.events]
        return found


@pytest.fixture
def memory() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def event_of() -> Callable[[str, int], Progressed]:
    """The n-th step of a dossier."""

    def make(dossier: str, number: int) -> Progressed:
        return Progressed(
            id=f"{dossier}-{number}",
            dossier=dossier,
            source="test",
            occurred_at=datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=number),
            step=f"step {number}",
        )

    return make
