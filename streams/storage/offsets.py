"""Where the broker, the group and the counts stand in each partition, and what it means where they do not agree."""

import time
from collections.abc import Iterable, Sequence

from clickhouse_driver.errors import Error
from kafka import TopicPartition
from msgspec import Struct

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import committed_offsets
from streams.broker.topic_reader import committed_reader, poll
from streams.counting.offset_gaps import is_lost
from streams.counting.record import Record
from streams.counting.store import NO_RECORD
from streams.errors import Astray, LostEvents, StreamsError, Unreachable
from streams.storage.clickhouse import connect, explain

_FETCH_SECONDS = 15.0


class Counted(Struct, frozen=True):
    """How far a partition is counted: the last offset, be it of a record or of a hole.

    `record` is the last record, -1 before the first, and `published` its timestamp in milliseconds.
    """

    offset: int
    published: int
    record: int = NO_RECORD.offset


class Standing(Struct, frozen=True):
    """A partition as all three see it.

    The broker has offsets from `first` up to, not including, `end`; `counted` is how far the counts are, `found` the
    timestamp that the broker's record has at the very offset of the last counted one (None where it has none);
    `committed` is where the group goes on, None where it never committed. From `stable` on, which is `end` unless
    producers have transactions open, nothing can be read yet.
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
        """Up to where, not included, it can be read: what comes then waits for an open transaction."""
        return self.end if self.stable is None else min(self.end, self.stable)

    @property
    def next(self) -> int:
        """The offset of the next record to count."""
        return self.counted.offset + 1 if self.counted else 0

    @property
    def is_replaced(self) -> bool:
        """Whether the partition no longer holds what was counted of it: it was cut off, and may have grown again."""
        if self.counted is None:
            return False
        return self.next > self.end or self.found not in (None, self.counted.published)

    @property
    def is_lost(self) -> bool:
        """Whether records that were never counted are gone from the broker; a worker sees the same gap."""
        return not self.is_replaced and is_lost(self.next, self.first)

    @property
    def is_ahead(self) -> bool:
        """Whether the group would go on past records that are not in the counts."""
        return self.committed is not None and self.committed > self.next


def trouble(standings: Iterable[Standing]) -> StreamsError | None:
    """The gravest thing that keeps a worker from counting, with the command that answers it; None where all is well.

    A group that is behind the counts is well: what comes again changes nothing.
    """
    standings = list(standings)
    if replaced := [standing for standing in standings if standing.is_replaced]:
        return Astray(f"{_replaced(replaced[0])}{_more(replaced)}: stop the workers and run `dossier rebuild`")
    if lost := [standing for standing in standings if standing.is_lost]:
        return LostEvents(
            f"{_lost(lost[0])}{_more(lost)}: restore the topic, or, if they are gone for good, write the gap down and "
            "count on after it with `dossier rewind --accept-gap`"
        )
    if ahead := [standing for standing in standings if standing.is_ahead]:
        return Astray(
            f"{EVENTS} partition {ahead[0].partition}: the group goes on at offset {ahead[0].committed}, but the "
            f"counts end before {ahead[0].next}{_more(ahead)}, as after a restored backup of ClickHouse: stop the "
            "workers and run `dossier rewind`"
        )
    return None


def read_standings(kafka: KafkaConnection, clickhouse: ClickHouseConnection, *, verify: bool = True) -> list[Standing]:
    """How each partition stands; with `verify` the last counted record is fetched and held against the counts.

    Safe while workers count: what may only grow is read in the order in which it does. Raises Unreachable.
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
        Standing(
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
    """Raise what keeps a worker from counting, if anything does."""
    if found := trouble(read_standings(kafka, clickhouse)):
        raise found


def require_readable(kafka: KafkaConnection, standings: Iterable[Standing]) -> None:
    """Raise Unreadable where the next record to count of a partition is there and cannot be decoded."""
    for at in standings:
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
    client = connect(clickhouse)
    try:
        rows = client.execute(
            "SELECT partition, offset, toUnixTimestamp64Milli(published_at), record_offset FROM progress FINAL "
            "WHERE topic = %(topic)s",
            {"topic": EVENTS},
        )
    except (Error, OSError, EOFError) as error:
        raise explain(error, clickhouse) from error
    finally:
        client.disconnect()
    return {partition: Counted(*counted) for partition, *counted in rows}


def _fetch(kafka: KafkaConnection, offsets: dict[int, int]) -> dict[int, int]:
    """The timestamps, as counting sees them, of the records at these offsets, one a partition."""
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
                # One that was deleted at this moment is as good as not there; so is one behind which only holes are.
                del wanted[place]
                for record in polled.get(place, ()):
                    if record.offset == offset:
                        found[place.partition] = Record(place.partition, offset, record.timestamp, None).published
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"Kafka at {kafka.bootstrap} does not hand out the last counted records of partitions "
                    f"{', '.join(str(place.partition) for place in wanted)}: look at the brokers, then try again"
                )
    return found


def _replaced(standing: Standing) -> str:
    place = f"{EVENTS} partition {standing.partition}"
    record = standing.counted.record if standing.counted else 0
    if standing.next > standing.end:
        return f"{place} ends at offset {standing.end}, but it was counted up to {standing.next - 1}: it was cut off"
    return (
        f"{place} has another record at offset {record} than the one that was counted: it was cut off and written anew"
    )


def _lost(standing: Standing) -> str:
    return (
        f"{EVENTS} partition {standing.partition} begins at offset {standing.first}, but {standing.next} is the next "
        f"to count: {standing.first - standing.next} records were deleted before they were counted"
    )


def _more(standings: Sequence[Standing]) -> str:
    others = len(standings) - 1
    return f" (and {others} more)" if others else ""
