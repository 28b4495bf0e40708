"""Events counted into a real database, as workers do it, without a broker."""

from collections import defaultdict
from contextlib import closing
from datetime import datetime

from chaos.memory_store import MemoryDeadLetters
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.envelope import encode, encode_event
from schemas.events import Event
from schemas.instant import to_micros
from schemas.partition import partition_of
from schemas.topics import EVENTS
from streams.counting.batch_counting import Counting
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.on_time.ruling import Ruling, built_in_ruling
from streams.storage.clickhouse_store import ClickHouseStore
from streams.worker.pipeline import Pipeline
from tests.strategies import PUBLISHED

PARTITIONS = 2


def count(
    clickhouse: ClickHouseConnection,
    *events: Event,
    profile: Profile | None = None,
    published: datetime = PUBLISHED,
    ruling: Ruling | None = None,
) -> None:
    """Count these events, each a record of its own published then, into a migrated database that holds none yet."""
    log: defaultdict[int, list[Record]] = defaultdict(list)
    for event in events:
        partition = partition_of(event.dossier, PARTITIONS)
        value = encode([encode_event(event)])
        log[partition].append(Record(partition, len(log[partition]), to_micros(published) // 1000, value))
    dead = MemoryDeadLetters()
    with closing(ClickHouseStore(clickhouse)) as store:
        profile = profile or Profile()
        ruling = ruling or built_in_ruling(profile.time_zone)
        counting = Counting(Identity(EVENTS, PARTITIONS, 1, profile, ruling), store)
        with closing(Pipeline(counting, store, dead)) as pipeline:
            pipeline.take([record for records in log.values() for record in records]).result()
    assert dead.letters == []
