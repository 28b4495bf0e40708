"""Topics of a benchmark: created, filled as fast as Kafka accepts it, and read to their ends."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.dataset import Record
from schemas.connection import KafkaConnection
from schemas.topics import Topic
from streams.broker import topics as shown
from streams.broker.topics import admin

PARTITIONS = 8
_CONFIG = {"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}
_BATCH_BYTES = 512 * 1024


def create(kafka: KafkaConnection, *names: str, partitions: int = PARTITIONS) -> None:
    """Create empty topics that keep everything, with the broker's timestamps."""
    with admin(kafka) as client:
        for name in names:
            shown.create(client, Topic(name, partitions, 1, _CONFIG))


def publish(kafka: KafkaConnection, topic: str, records: Iterable[Record]) -> int:
    """Publish the records in their order within each partition; returns how many there were."""
    return asyncio.run(_publish(kafka, topic, records))


async def _publish(kafka: KafkaConnection, topic: str, records: Iterable[Record]) -> int:
    producer = AIOKafkaProducer(**kafka.options(), enable_idempotence=True, max_batch_size=_BATCH_BYTES)
    await producer.start()
    try:
        sent = 0
        waiting: list[Any] = []
        batches: dict[int, Any] = {}
        for partition, key, value, _ in records:
            sent += 1
            batch = batches.setdefault(partition, producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None) is None:
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
                batches[partition] = producer.create_batch()
                batches[partition].append(key=key, value=value, timestamp=None)
        for partition, batch in batches.items():
            waiting.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*waiting)
        return sent
    finally:
        await producer.stop()


def read(kafka: KafkaConnection, topic: str) -> list[Record]:
    """All that is in the topic and committed, in order within each partition."""
    return asyncio.run(_read(kafka, topic))


async def _read(kafka: KafkaConnection, topic: str) -> list[Record]:
    consumer = AIOKafkaConsumer(**kafka.options(), isolation_level="read_committed")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Record] = []
        left = {partition for partition in partitions if ends[partition] > 0}
        while left:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                found += [
                    Record(record.partition, record.key, record.value, record.timestamp / 1000) for record in batch
                ]
            # The position also moves over what is not shown: aborted records and marks of transactions.
            left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
        return found
    finally:
        await consumer.stop()


async def _partitions(consumer: Any, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    found: set[int] = consumer.partitions_for_topic(topic) or set()
    return found
