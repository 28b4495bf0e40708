"""How far counting has come: records counted, and records there are."""

import time
from collections.abc import Callable
from contextlib import closing

from msgspec import Struct

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.topics import EVENTS
from streams.broker import topics
from streams.errors import NotMigrated
from streams.storage.clickhouse_store import ClickHouseStore

_POLL_SECONDS = 0.1
_NEAR_RECORDS = 200


class Lag(Struct, frozen=True):
    """Kafka records of the events topic: how many there are, and how many of them are counted."""

    counted: int
    total: int

    @property
    def left(self) -> int:
        """Records still to count."""
        return self.total - self.counted


def wait_until_counted(
    kafka: KafkaConnection, clickhouse: ClickHouseConnection, on_progress: Callable[[Lag], None] | None = None
) -> Lag:
    """Block until every record that is in the topic now is counted; `on_progress` is told now and then.

    It polls ten times a second near the beginning and the end, and less often between, as polling takes resources from
    counting. It waits for as long as it takes: a worker must be running. Raises Unreachable or NotMigrated.
    """
    found = _ends(kafka)
    with closing(ClickHouseStore(clickhouse)) as store:
        first = lag = _lag(found, store)
        while True:
            if on_progress:
                on_progress(lag)
            if not lag.left:
                return lag
            is_far = lag.counted > first.counted and lag.left > _NEAR_RECORDS
            time.sleep(_POLL_SECONDS * (10 if is_far else 1))
            lag = _lag(found, store)


def lag(kafka: KafkaConnection, clickhouse: ClickHouseConnection) -> Lag:
    """The lag at this moment; raises Unreachable or NotMigrated."""
    with closing(ClickHouseStore(clickhouse)) as store:
        return _lag(_ends(kafka), store)


def _ends(kafka: KafkaConnection) -> dict[int, int]:
    with topics.admin(kafka) as client:
        found = topics.find(client, [EVENTS]).get(EVENTS)
        if found is None:
            raise NotMigrated(f"Kafka at {kafka.bootstrap} has no topic {EVENTS}: run `dossier migrate`")
        return topics.end_offsets(client, found)


def _lag(ends: dict[int, int], store: ClickHouseStore) -> Lag:
    reached = store.read_checkpoints(EVENTS)
    counted = sum(min(end, reached[partition].offset + 1) for partition, end in ends.items() if partition in reached)
    return Lag(counted, sum(ends.values()))
