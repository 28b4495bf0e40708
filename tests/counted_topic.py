"""A topic that is published to and counted in this process, as a worker does it but without Faust."""

import time
from contextlib import closing
from random import Random
from typing import Any

from kafka import KafkaProducer, TopicPartition

from chaos.memory_store import MemoryDeadLetters
from schemas.connection import KafkaConnection
from schemas.counters import COUNTERS
from schemas.events import Event
from schemas.partition import partition_of
from schemas.tables import FACTS
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import commit_offsets
from streams.counting.batch_counting import Counting
from streams.counting.identity import Identity
from streams.rebuild.replay import records_from_topic
from streams.storage.clickhouse_client import database
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.deployment_plan import Plan
from streams.storage.migration import identify
from streams.storage.offset_agreement import read_offsets, require_agreement
from streams.worker.pipeline import Pipeline
from tests.streams.log import DOSSIERS, random_event, record

Shown = tuple[dict[str, tuple[Any, ...]], dict[tuple[str, int], tuple[int, ...]]]
"""What readers see: facts by dossier, and counts by agency and window over all partitions; positions aside."""


def publish(kafka: KafkaConnection, *lines: Event | bytes, partition: int | None = None) -> None:
    """Publish each line as a record of its own, in the partition of its dossier unless one is given."""
    with topics.admin(kafka) as client:
        partitions = topics.find(client, [EVENTS])[EVENTS].partitions
    producer = KafkaProducer(**kafka.options())
    for line in lines:
        at = partition
        if at is None:
            at = partition_of(line.dossier, partitions) if isinstance(line, Event) else 0
        producer.send(EVENTS, record(at, 0, line).value, partition=at)
    producer.flush()
    producer.close()


def random_events(seed: int, count: int) -> list[Event]:
    """Events of a few dossiers that meet in a few windows."""
    random = Random(seed)
    return [random_event(random, random.choice(DOSSIERS)) for _ in range(count)]


def work(plan: Plan, *, at_once: int = 7) -> MemoryDeadLetters:
    """Count to the end of the topic from where the group goes on, and commit; as a worker, refuse what it must.

    A batch has `at_once` records.
    """
    identity = identify(plan)
    require_agreement(plan.kafka, plan.clickhouse)
    return count_on(plan, identity, at_once=at_once)


def count_on(plan: Plan, identity: Identity, *, commits: bool = True, at_once: int = 7) -> MemoryDeadLetters:
    """Count on in this epoch, asking nothing."""
    dead = MemoryDeadLetters()
    standings = read_offsets(plan.kafka, plan.clickhouse, verify=False)
    starts = {at.partition: max(at.first, at.committed or 0) if commits else at.first for at in standings}
    ends = {at.partition: at.end for at in standings}
    with (
        closing(ClickHouseStore(plan.clickhouse)) as store,
        closing(Pipeline(Counting(identity, store), store, dead)) as at,
    ):
        records = list(records_from_topic(plan.kafka, starts, ends))
        for first in range(0, len(records), at_once):
            at.take(records[first : first + at_once])
        at.settle()
    if commits:
        with topics.admin(plan.kafka) as client:
            commit_offsets(client, ends)
    return dead


def shown(plan: Plan) -> Shown:
    """What readers see at this moment."""
    columns = [name for name in FACTS.columns if name not in ("dossier", "pos", "partition", "number")]
    sums = [f"sum({counter}) AS {counter}_" for counter in COUNTERS]
    with database(plan.clickhouse) as client:
        facts = client.execute(
            f"SELECT dossier, {', '.join(columns)} FROM facts FINAL", settings={"strings_as_bytes": True}
        )
        windows = client.execute(
            f"SELECT agency, toUnixTimestamp(window), {', '.join(sums)} FROM windows FINAL GROUP BY agency, window "
            f"HAVING {' OR '.join(f'{counter}_ != 0' for counter in COUNTERS)}"
        )
    return {row[0].decode(): row[1:] for row in facts}, {row[:2]: row[2:] for row in windows}


def ask(plan: Plan, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The answer of the deployment's database."""
    with database(plan.clickhouse) as client:
        rows: list[tuple[Any, ...]] = client.execute(sql, *parameters)
        return rows


def delete_records(kafka: KafkaConnection, before: dict[int, int]) -> None:
    """Let the broker forget the records before these offsets, as retention would."""
    with topics.admin(kafka) as client:
        client.delete_records({TopicPartition(EVENTS, at): offset for at, offset in before.items()})


def add_partitions(kafka: KafkaConnection, count: int) -> None:
    """Give the topic so many partitions, and return when the broker shows them."""
    deadline = time.monotonic() + 30
    with topics.admin(kafka) as client:
        client.create_partitions({EVENTS: count})
        while topics.find(client, [EVENTS])[EVENTS].partitions != count:
            assert time.monotonic() < deadline
            time.sleep(0.05)
