"""The floor: nothing but a client, a decoder and a dict. It removes duplicates and keeps nothing."""

import asyncio
from collections import Counter
from datetime import datetime

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.peers.peer_task import WINDOW_SECONDS, Meter, Task


class Event(msgspec.Struct, frozen=True, gc=False):
    """What is counted of an event."""

    id: str
    agency: str
    kind: str
    occurred_at: datetime


async def main(task: Task) -> None:
    """Count everything that is in the topic now, be it single events or envelopes of them."""
    meter = Meter(task.folder)
    decode = msgspec.json.Decoder(Event).decode_lines
    seen: set[str] = set()
    counts: Counter[tuple[str, int, str]] = Counter()
    consumer = AIOKafkaConsumer(
        task.topic,
        bootstrap_servers=task.kafka,
        group_id=task.name,
        auto_offset_reset="earliest",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=task.user,
        sasl_plain_password=task.password,
    )
    await consumer.start()
    partitions = [TopicPartition(task.topic, each) for each in consumer.partitions_for_topic(task.topic) or ()]
    ends = await consumer.end_offsets(partitions)
    left = sum(ends.values())
    while left:
        for records in (await consumer.getmany(timeout_ms=200, max_records=5000)).values():
            events = 0
            for record in records:
                for event in decode(record.value):
                    events += 1
                    if event.id not in seen:
                        seen.add(event.id)
                        window = int(event.occurred_at.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS
                        counts[event.agency, window, event.kind] += 1
            left -= len(records)
            meter.add(events)
    await consumer.stop()
    task.write_counts((*cell, count) for cell, count in counts.items())


if __name__ == "__main__":
    asyncio.run(main(Task.from_environment()))
