"""Transactions that producers have open: what comes after the first of them in a partition cannot be read yet."""

from collections.abc import Iterable
from datetime import datetime

from kafka import TopicPartition
from msgspec import Struct

from schemas.connection import KafkaConnection
from schemas.topics import EVENTS
from streams.broker import topics
from streams.storage.offsets import Standing

HANGING_SECONDS = 60.0
"""Kafka's own default for how long a transaction may last: its coordinator aborts one that lasts longer."""


class Held(Struct, frozen=True):
    """A partition that waits for a transaction: from which offset on, how many offsets, and for which producer.

    `idle_seconds` is how long that producer has written nothing.
    """

    partition: int
    offset: int
    waiting: int
    producer: int
    idle_seconds: float

    @property
    def hangs(self) -> bool:
        """Whether it lasts longer than a transaction should."""
        return self.idle_seconds > HANGING_SECONDS

    def __str__(self) -> str:
        return (
            f"{EVENTS} partition {self.partition}: {self.waiting} offsets from {self.offset} on wait for a transaction "
            f"that producer {self.producer} has open, and wrote nothing to for {self.idle_seconds:.0f} s"
        )


def read_held(kafka: KafkaConnection, standings: Iterable[Standing], now: datetime) -> list[Held]:
    """The partitions that wait for an open transaction; raises Unreachable."""
    held = {TopicPartition(EVENTS, at.partition): at for at in standings if at.readable < at.end}
    if not held:
        return []
    with topics.admin(kafka) as client:
        found = client.describe_producers(list(held))
    return [
        Held(
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
