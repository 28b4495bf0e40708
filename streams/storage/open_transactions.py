"""Open transactions of producers: records behind the first one of a partition cannot be read yet."""

from collections.abc import Iterable
from datetime import datetime

from kafka import TopicPartition
from msgspec import Struct

from schemas.connection import KafkaConnection
from schemas.topics import EVENTS
from streams.broker import topics
from streams.storage.offset_agreement import PartitionOffsets

HANGING_SECONDS = 60.0
"""Kafka's default transaction timeout: the coordinator aborts a transaction that lasts longer."""


class OpenTransaction(Struct, frozen=True):
    """An open transaction that holds up a partition: its first offset, how many offsets wait, and its producer.

    `idle_seconds` is how long that producer has written nothing.
    """

    partition: int
    offset: int
    waiting: int
    producer: int
    idle_seconds: float

    @property
    def is_hanging(self) -> bool:
        """Whether it lasts longer than a transaction may."""
        return self.idle_seconds > HANGING_SECONDS

    def __str__(self) -> str:
        return (
            f"{EVENTS} partition {self.partition}: {self.waiting} offsets from {self.offset} on wait for a transaction "
            f"that producer {self.producer} has open, and wrote nothing to for {self.idle_seconds:.0f} s"
        )


def read_open_transactions(
    kafka: KafkaConnection, offsets: Iterable[PartitionOffsets], now: datetime
) -> list[OpenTransaction]:
    """The open transactions that hold up partitions; raises Unreachable."""
    held = {TopicPartition(EVENTS, at.partition): at for at in offsets if at.readable < at.end}
    if not held:
        return []
    with topics.admin(kafka) as client:
        found = client.describe_producers(list(held))
    return [
        OpenTransaction(
            place.partition,
            at.readable,
            at.end - at.readable,
            writer.producer_id,
            max(0.0, now.timestamp() - writer.last_timestamp / 1000),
        )
        for place, at in held.items()
        for writer in found[place].active_producers
        if writer.current_transaction_start_offset == at.readable
    ]
