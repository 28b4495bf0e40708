"""Producers that use all that Kafka has: every codec, and transactions that are committed, aborted or left open."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import KafkaProducer, TopicPartition

from chaos.deployment import City
from chaos.run_scale import Scale
from schemas.envelope import encode_event
from schemas.events import Event
from schemas.partition import partition_of
from schemas.topics import EVENTS
from streams.broker import topics

CODECS = ("gzip", "snappy", "lz4", "zstd")


def codecs(city: City, scale: Scale) -> int:
    """Records compressed with each codec, in one topic, some of their batches larger than one fetch when unpacked."""
    for codec in CODECS:
        events = city.next_events(scale.slice)
        with _producer(city, compression_type=codec, batch_size=4 << 20, max_request_size=4 << 20) as producer:
            _send(producer, city, events)
        city.sent += events
    return len(CODECS)


def transactions(city: City, scale: Scale) -> int:
    """Transactions beside plain records, a worker killed among them; the log ends with what was aborted.

    One is open while others come after it: nothing of these counts before it is decided.
    """
    for number in range(scale.transactions):
        events = city.next_events(scale.slice // 4)
        _transact(city, f"committed-{number}", events, commits=True)
        city.sent += events
        with _producer(city, transactional_id="open") as producer:
            producer.init_transactions()
            producer.begin_transaction()
            _send(producer, city, city.next_events(scale.slice // 8))
            city.send(scale.slice // 4)
            city.kill(city.a_worker())
            producer.abort_transaction()
        city.send(scale.slice // 4)
        _transact(city, f"aborted-{number}", city.next_events(scale.slice // 4), commits=False)
        city.await_recovered()
        if city.random.random() < 0.5:
            city.await_counted()
    return 3 * scale.transactions


def records_deleted(city: City, scale: Scale) -> int:
    """Retention deletes committed records that were never counted, among those of aborted transactions.

    Workers refuse to go on until somebody writes the gap down.
    """
    _transact(city, "aborted", city.next_events(scale.slice // 4), commits=False)
    city.send(scale.slice)
    city.await_counted()
    city.restart(0)
    _transact(city, "aborted", city.next_events(scale.slice // 4), commits=False)
    _transact(city, "committed", city.next_events(scale.slice // 4), commits=True)
    with topics.admin(city.kafka) as client:
        ends = topics.end_offsets(client, topics.find(client, [EVENTS])[EVENTS])
        client.delete_records({TopicPartition(EVENTS, partition): end for partition, end in ends.items()})
    _transact(city, "aborted", city.next_events(scale.slice // 4), commits=False)
    city.send(scale.slice)
    assert "dossier rewind --accept-gap" in city.run("work", code=4)
    assert "is the next to count" in city.run("doctor", code=1)
    city.run("rewind", "--accept-gap")
    city.restart(2)
    city.send(scale.slice)
    return 1


def _transact(city: City, name: str, events: Sequence[Event], *, commits: bool) -> None:
    """Publish the events in one transaction; a deleted or aborted one is no part of what must count."""
    with _producer(city, transactional_id=name) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        _send(producer, city, events)
        if commits:
            producer.commit_transaction()
        else:
            producer.abort_transaction()


@contextmanager
def _producer(city: City, **options: object) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(**city.kafka.options(), acks="all", linger_ms=20, **options)
    try:
        yield producer
    finally:
        producer.close(timeout=5)


def _send(producer: KafkaProducer, city: City, events: Sequence[Event]) -> None:
    for event in events:
        place = partition_of(event.dossier, city.partitions)
        producer.send(EVENTS, encode_event(event), key=event.dossier.encode(), partition=place)
    producer.flush()
