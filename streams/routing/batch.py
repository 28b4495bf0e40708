"""A batch of records as events and dead letters: a pure function of the records and the rule that reads one."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from kafka import TopicPartition
from msgspec import Struct

from schemas.dead_letter import DeadLetter
from schemas.envelope import Decoded
from schemas.events import AnyEvent
from streams.counting.record import Record
from streams.counting.rejections import dead_letters, published_time

Rule: TypeAlias = Callable[[bytes | None, datetime], Decoded]
"""Reads the value of a record that was published at this time; total: whatever cannot be an event is rejected."""


class Batch(Struct, frozen=True):
    """What some records give: events in the order of their records, and what is put aside, with its place."""

    events: list[AnyEvent]
    letters: list[DeadLetter]
    records: int


def read(found: Mapping[TopicPartition, Iterable[Any]], rule: Rule) -> Batch:
    """The batch of these records of Kafka, by partition."""
    batch = Batch([], [], sum(len(list(records)) for records in found.values()))
    for place, records in found.items():
        for each in records:
            record = Record(place.partition, each.offset, each.timestamp, each.value)
            decoded = rule(each.value, published_time(record))
            batch.events.extend(event for _, event in decoded.events)
            batch.letters.extend(dead_letters(place.topic, record, decoded.rejections))
    return batch
