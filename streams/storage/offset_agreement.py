"""The offsets of broker, group and counts in each partition, and what it means where they disagree."""

import time
from collections.abc import Iterable, Sequence

from kafka import TopicPartition
from msgspec import Struct

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import committed_offsets
from streams.broker.topic_reader import committed_reader, poll
from streams.counting.offset_gaps import is_lost
from streams.counting.record import Record
from streams.counting.store_interface import NO_RECORD
from streams.errors import Diverged, LostEvents, StreamsError, Unreachable
from streams.storage.clickhouse_client import database

_FETCH_SECONDS = 15.0


class Counted(Struct, frozen=True):
    """How far a partition is counted: the last offset, which may be one without a record.

    `record` is the offset of the last record, -1 before the first, and `published` its timestamp in milliseconds.
    """

    offset: int
    published: int
    record: int = NO_RECORD.offset


class PartitionOffsets(Struct, frozen=True):
    """The offsets of a partition.

    The broker has offsets from `first` up to, not including, `end`. `counted` is how far the counts are; `found` is the
    timestamp of the broker's record at the offset of the last counted record, None where it has none. `committed` is
    the group's committed offset, None where it never committed. `stable` is the last stable offset: it equals `end`
    unless producers have open transactions.
    """

    partition: int
    first: int
    end: int
    counted: Counted | None = None
    found: int | None = None
    committed: int | None = None
    stable: int | None = None

    @property
    def readable(self) -> int:
        """The offset up to which, not included, records can be read; later ones wait for an open transaction."""
        return self.end if self.stable is None else min(self.end, self.stable)

    @property
    def next(self) -> int:
        """The offset of the next record to count."""
        return self.counted.offset + 1 if self.counted else 0

    @property
    def is_replaced(self) -> bool:
        """Whether the partition no longer holds what was counted: it was truncated, and may have grown again."""
        if self.counted is None:
            return False
        return self.next > self.end or self.found not in (None, self.counted.published)

    @property
    def is_lost(self) -> bool:
        """Whether records that were never counted are gone from the broker; a worker finds the same gap."""
        return not self.is_replaced and is_lost(self.next, self.first)

    @property
    def is_ahead(self) -> bool:
        """Whether the group would skip records that are not in the counts."""
        return self.committed is not None and self.committed > self.next


def disagreement(offsets: Iterable[PartitionOffsets]) -> StreamsError | None:
    """The most serious reason why a worker must not count, with the command to run; None without any.

    It is safe for the group's committed offsets to be behind the stored counts: a replay changes nothing.
    """
    offsets = list(offsets)
    if replaced := [at for at in offsets if at.is_replaced]:
        return Diverged(f"{_replaced(replaced[0])}{_more(replaced)}: stop the workers and run `dossier rebuild`")
    if lost := [at for at in offsets if at.is_lost]:
        return LostEvents(
            f"{_lost(lost[0])}{_more(lost)}: restore the topic, or, if they are gone for good, record the gap and "
            "resume after it with `dossier rewind --accept-gap`"
        )
    if ahead := [at for at in offsets if at.is_ahead]:
        return Diverged(
            f"{EVENTS} partition {ahead[0].partition}: the group resumes at offset {ahead[0].committed}, but the "
            f"counts end before {ahead[0].next}{_more(ahead)}, as after a restored backup of ClickHouse: stop the "
            "workers and run `dossier rewind`"
        )
    return None


def read_offsets(
    kafka: KafkaConnection, clickhouse: ClickHouseConnection, *, verify: bool = True
) -> list[PartitionOffsets]:
    """The offsets of each partition; with `verify` the last counted record is fetched and compared with the counts.

    Safe while workers count: offsets that only grow are read in the order in which they do. Raises Unreachable.
    """
    with topics.admin(kafka) as client:
        topic = topics.find(client, [EVENTS])[EVENTS]
        committed = committed_offsets(client)
        first = topics.first_offsets(client, topic)
        counted = _read_counted(clickhouse)
        stable = topics.end_offsets(client, topic, stable=True)
        end = topics.end_offsets(client, topic)
    readable = {
        partition: last.record
        for partition, last in counted.items()
        if partition in end and first[partition] <= last.record < end[partition]
    }
    found = _fetch(kafka, readable) if verify else {}
    return [
        PartitionOffsets(
            partition,
            first[partition],
            end[partition],
            counted.get(partition),
            found.get(partition),
            committed.get(partition),
            stable[partition],
        )
        for partition in range(topic.partitions)
    ]


def require_agreement(kafka: KafkaConnection, clickhouse: ClickHouseConnection) -> None:
    """Raise the reason why a worker must not count, if there is one."""
    if found := disagreement(read_offsets(kafka, clickhouse)):
        raise found


def require_readable(kafka: KafkaConnection, offsets: Iterable[PartitionOffsets]) -> None:
    """Raise Unreadable where the next record to count of a partition cannot be decoded."""
    for at in offsets:
        place, start = TopicPartition(EVENTS, at.partition), max(at.next, at.first)
        if start >= at.readable:
            continue
        with committed_reader(kafka, max_poll_records=1) as consumer:
            consumer.assign([place])
            consumer.seek(place, start)
            deadline = time.monotonic() + _FETCH_SECONDS
            while consumer.position(place) == start and time.monotonic() < deadline:
                poll(consumer, 500)


def _read_counted(clickhouse: ClickHouseConnection) -> dict[int, Counted]:
    with database(clickhouse) as client:
        rows = client.execute(
            "SELECT partition, offset, toUnixTimestamp64Milli(published_at), record_offset FROM progress FINAL "
            "WHERE topic = %(topic)s",
            {"topic": EVENTS},
        )
    return {partition: Counted(*counted) for partition, *counted in rows}


def _fetch(kafka: KafkaConnection, offsets: dict[int, int]) -> dict[int, int]:
    """The timestamps, as counting uses them, of the records at these offsets, by partition."""
    if not offsets:
        return {}
    wanted = {TopicPartition(EVENTS, partition): offset for partition, offset in offsets.items()}
    found: dict[int, int] = {}
    with committed_reader(kafka, reset="earliest", max_poll_records=1) as consumer:
        deadline = time.monotonic() + _FETCH_SECONDS
        while wanted:
            consumer.assign(list(wanted))
            for place, offset in wanted.items():
                consumer.seek(place, offset)
            polled = poll(consumer, 1000)
            for place, offset in list(wanted.items()):
                if consumer.position(place) == offset:
                    continue
                # A record that was deleted just now counts as missing; so does one that only an offset gap follows.
                del wanted[place]
                for record in polled.get(place, ()):
                    if record.offset == offset:
                        found[place.partition] = Record(place.partition, offset, record.timestamp, None).published
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"Kafka at {kafka.bootstrap} does not return the last counted records of partitions "
                    f"{', '.join(str(place.partition) for place in wanted)}: check the brokers, then try again"
                )
    return found


def _replaced(at: PartitionOffsets) -> str:
    place = f"{EVENTS} partition {at.partition}"
    record = at.counted.record if at.counted else 0
    if at.next > at.end:
        return f"{place} ends at offset {at.end}, but it was counted up to {at.next - 1}: it was truncated"
    return (
        f"{place} has another record at offset {record} than the one that was counted: it was truncated and written "
        "again"
    )


def _lost(at: PartitionOffsets) -> str:
    return (
        f"{EVENTS} partition {at.partition} begins at offset {at.first}, but {at.next} is the next "
        f"to count: {at.first - at.next} records were deleted before they were counted"
    )


def _more(offsets: Sequence[PartitionOffsets]) -> str:
    others = len(offsets) - 1
    return f" (and {others} more)" if others else ""
