"""The logs that a rebuild can replay: the topic, or records made of the raw events."""

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping

import msgspec
import orjson
from clickhouse_driver import Client
from kafka import TopicPartition

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.envelope import MAX_EVENTS, encode, encode_event
from schemas.events import KINDS, Event
from schemas.instant import LATEST, from_micros, to_micros
from schemas.nfc import nfc_struct
from schemas.partition import partition_of
from schemas.topics import EVENTS
from streams.broker.topic_reader import committed_reader, poll
from streams.counting.offset_gaps import fill_gaps
from streams.counting.record import Record, offset_gap
from streams.errors import RefusedRow, Unreachable
from streams.storage.clickhouse_client import connect

_LATE = to_micros(LATEST) // 1000
"""A record timestamp for which no event is in the future: that was decided when each was first counted."""
_SILENT_SECONDS = 30.0


def stored_events(clickhouse: ClickHouseConnection) -> Generator[tuple[bytes, Event], None, None]:
    """The raw events with the bytes of their dossiers, always in the same order, which is that of these bytes.

    Raises what the driver does, and RefusedRow for an event that this version does not know.
    """
    sql = (
        "SELECT dossier, id, kind, source, toUnixTimestamp64Micro(occurred_at), toUnixTimestamp64Micro(recorded_at), "
        "seq, payload FROM events FINAL ORDER BY dossier, id, digest"
    )
    client = connect(clickhouse, strings_as_bytes=True)
    try:
        for dossier, id_, kind, source, occurred, recorded, seq, payload in client.execute_iter(sql):
            fields = {
                "kind": kind.decode(),
                "id": id_.decode(),
                "dossier": dossier.decode(),
                "source": source.decode(),
                "occurred_at": from_micros(occurred),
                "recorded_at": from_micros(recorded),
                "seq": seq,
            }
            try:
                event = msgspec.convert(orjson.loads(payload) | fields, KINDS[fields["kind"]])
            except (KeyError, ValueError) as error:  # msgspec's and orjson's errors are ValueErrors
                raise RefusedRow(
                    f"the table events holds an event that this version does not know ({error}): {fields} with payload "
                    f"{payload!r:.500}; use the version that counted it, or a later one"
                ) from error
            # Text that an earlier version stored in another Unicode form is normalised as the decoder does today.
            yield dossier, event if (dossier + id_ + source + payload).isascii() else nfc_struct(event)
    finally:
        client.disconnect()


def digest_events(client: Client) -> tuple[int, str]:
    """How many raw events there are, and a digest of their contents; raises what the driver does."""
    (count, digest) = client.execute(
        "SELECT count(), hex(groupBitXor(cityHash64(dossier, id, digest, version))) FROM events FINAL"
    )[0]
    return count, digest


def records_from_events(events: Iterable[Event], partitions: int) -> Iterator[Record]:
    """The events as records of a topic with so many partitions; equal events always give equal records."""
    lines: defaultdict[int, list[bytes]] = defaultdict(list)
    offsets: defaultdict[int, int] = defaultdict(int)

    def close(partition: int) -> Record:
        record = Record(partition, offsets[partition], _LATE, encode(lines.pop(partition)))
        offsets[partition] += 1
        return record

    for event in events:
        partition = partition_of(event.dossier, partitions)
        lines[partition].append(encode_event(event))
        if len(lines[partition]) == MAX_EVENTS:
            yield close(partition)
    for partition in sorted(lines):
        yield close(partition)


def records_from_topic(
    kafka: KafkaConnection, starts: Mapping[int, int], ends: Mapping[int, int]
) -> Generator[Record, None, None]:
    """The committed records of the events topic, with their offset gaps, of each partition from its start to its end.

    An end must not be behind the last stable offset. Raises Unreachable where the broker returns nothing for half a
    minute, and Unreadable for a record that cannot be decoded.
    """
    left = {TopicPartition(EVENTS, at): start for at, start in starts.items() if start < ends[at]}
    with committed_reader(kafka, max_poll_records=1000) as consumer:
        consumer.assign(list(left))
        for place, start in left.items():
            consumer.seek(place, start)
        last_record = time.monotonic()
        while left:
            polled = poll(consumer, 500)
            for place, start in list(left.items()):
                position, end = consumer.position(place), ends[place.partition]
                if position == start:
                    continue
                last_record = time.monotonic()
                left[place] = position
                records = (
                    Record(place.partition, record.offset, record.timestamp, record.value)
                    for record in polled.get(place, ())
                )
                for record in fill_gaps(place.partition, start, records, position):
                    if record.offset < end:
                        yield record
                    elif record.first < end:
                        yield offset_gap(place.partition, record.first, end - 1)
                if position >= end:
                    consumer.pause(place)
                    del left[place]
            if time.monotonic() - last_record > _SILENT_SECONDS:
                raise Unreachable(
                    f"Kafka at {kafka.bootstrap} returns no records of {EVENTS} partitions "
                    f"{', '.join(str(place.partition) for place in left)}: check the brokers, then run this again"
                )
