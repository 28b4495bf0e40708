"""The lines of the events topic as an audit compares them: hashes of events, and places of dead letters."""

from array import array
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime

import msgspec
from clickhouse_cityhash.cityhash import CityHash64
from msgspec import Struct

from schemas.connection import KafkaConnection
from schemas.envelope import decode
from schemas.events import Event
from schemas.partition import partitions_of
from streams.counting.record import Record
from streams.counting.registers import register_of
from streams.counting.rows import payload_json
from streams.rebuild.replay import records_from_topic

_LINES_AT_ONCE = 1_000_000
CONTENT_HASH = (
    "cityHash64(concat(dossier, char(0), id, char(0), kind, char(0), source, char(0), "
    "toString(toUnixTimestamp64Micro(occurred_at)), char(0), payload))"
)
"""The hash of a stored event, in SQL; `content_hash` is the same in Python."""


class TopicLines(Struct):
    """The lines of a partition from offset `first` up to `next`: events by hash and offset, dead letters by place."""

    partition: int
    first: int
    next: int
    hashes: "array[int]" = msgspec.field(default_factory=lambda: array("Q"))
    offsets: "array[int]" = msgspec.field(default_factory=lambda: array("Q"))
    dead: set[tuple[int, int]] = msgspec.field(default_factory=set)
    records: int = 0


def read_lines(
    kafka: KafkaConnection, starts: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[list[TopicLines]]:
    """The lines of each partition from its start to its end, a million at a time.

    Raises Unreachable, or Unreadable for a record that cannot be decoded.
    """
    parts = {partition: TopicLines(partition, start, start) for partition, start in starts.items()}
    size = 0
    with closing(records_from_topic(kafka, starts, ends)) as records:
        for record in records:
            if record.is_gap:
                parts[record.partition].next = record.offset + 1
                continue
            if size >= _LINES_AT_ONCE:
                yield list(parts.values())
                parts = {each.partition: TopicLines(each.partition, each.next, each.next) for each in parts.values()}
                size = 0
            lines = parts[record.partition]
            events, dead = lines_of(record, len(starts))
            lines.hashes.extend(content_hash(event) for _, event in events)
            lines.offsets.extend([record.offset] * len(events))
            lines.dead.update((record.offset, line) for line in dead)
            lines.records += 1
            lines.next = record.offset + 1
            size += len(events)
    for lines in parts.values():
        lines.next = ends[lines.partition]
    yield list(parts.values())


def lines_of(record: Record, partitions: int) -> tuple[list[tuple[int, Event]], list[int]]:
    """The events of a record with their lines, and the lines that are dead letters."""
    decoded = decode(record.value, datetime.fromtimestamp(record.published / 1000, UTC))
    dead = [rejection.line for rejection in decoded.rejections]
    places = partitions_of([event.dossier for _, event in decoded.events], partitions) if decoded.events else []
    events: list[tuple[int, Event]] = []
    for (line, event), place in zip(decoded.events, places, strict=True):
        if place == record.partition:
            events.append((line, event))
        else:
            dead.append(line)
    return events, dead


def content_hash(event: Event) -> int:
    """The hash of an event's content."""
    register = register_of(event)
    fields = event.dossier, event.id, register[3], event.source, str(register[4])
    content = "\0".join(fields).encode() + b"\0" + payload_json(register[3], register[5])
    hashed: int = CityHash64(content)
    return hashed
