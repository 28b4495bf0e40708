"""Producers that use all that Kafka has: every codec, and transactions that are committed, aborted or left open."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import KafkaProducer, TopicPartition

from chaos.deployment import Deployment
from chaos.run_scale import Scale
from schemas.envelope import encode_event
from schemas.events import Event
from schemas.partition import partition_of
from schemas.topics import EVENTS
from streams.broker import topics

CODECS = ("gzip", "snappy", "lz4", "zstd")


def codecs(deployment: Deployment, scale: Scale) -> int:
    """Records compressed with each codec, in one topic, some of their batches larger than one fetch when unpacked."""
    for codec in CODECS:
        events = deployment.next_events(scale.compressed)
        with _producer(deployment, compression_type=codec, batch_size=4 << 20, max_request_size=4 << 20) as producer:
            _send(producer, deployment, events)
        deployment.sent += events
    return len(CODECS)


def transactions(deployment: Deployment, scale: Scale) -> int:
    """Transactions beside plain records, a worker killed among them; the log ends with what was aborted.

    One is open while others come after it: nothing of these counts before it is decided.
    """
    for number in range(scale.transactions):
        events = deployment.next_events(scale.slice // 4)
        _transact(deployment, f"committed-{number}", events, commits=True)
        deployment.sent += events
        with _producer(deployment, transactional_id="open") as producer:
            producer.init_transactions()
            producer.begin_transaction()
            _send(producer, deployment, deployment.next_events(scale.slice // 8))
            deployment.send(scale.slice // 4)
            deployment.kill(deployment.a_worker())
            producer.abort_transaction()
        deployment.send(scale.slice // 4)
        _transact(deployment, f"aborted-{number}", deployment.next_events(scale.slice // 4), commits=False)
        deployment.await_recovered()
        if deployment.random.random() < 0.5:
            deployment.await_counted()
    return 3 * scale.transactions


def records_deleted(deployment: Deployment, scale: Scale) -> int:
    """Retention deletes committed records that were never counted, among those of aborted transactions.

    Workers refuse to go on until an operator accepts the gap.
    """
    _transact(deployment, "aborted", deployment.next_events(scale.slice // 4), commits=False)
    deployment.send(scale.slice)
    deployment.await_counted()
    deployment.restart(0)
    _transact(deployment, "aborted", deployment.next_events(scale.slice // 4), commits=False)
    _transact(deployment, "committed", deployment.next_events(scale.slice // 4), commits=True)
    with topics.admin(deployment.kafka) as client:
        ends = topics.end_offsets(client, topics.find(client, [EVENTS])[EVENTS])
        client.delete_records({TopicPartition(EVENTS, partition): end for partition, end in ends.items()})
    _transact(deployment, "aborted", deployment.next_events(scale.slice // 4), commits=False)
    deployment.send(scale.slice)
    assert "dossier rewind --accept-gap" in deployment.run("work", code=4)
    assert "is the next to count" in deployment.run("doctor", code=1)
    deployment.run("rewind", "--accept-gap")
    deployment.restart(2)
    deployment.send(scale.slice)
    return 1


def _transact(deployment: Deployment, name: str, events: Sequence[Event], *, commits: bool) -> None:
    """Publish the events in one transaction; a deleted or aborted one is no part of what must count."""
    with _producer(deployment, transactional_id=name) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        _send(producer, deployment, events)
        if commits:
            producer.commit_transaction()
        else:
            producer.abort_transaction()


@contextmanager
def _producer(deployment: Deployment, **options: object) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(**deployment.kafka.options(), acks="all", linger_ms=20, **options)
    try:
        yield producer
    finally:
        producer.close(timeout=5)


def _send(producer: KafkaProducer, deployment: Deployment, events: Sequence[Event]) -> None:
    for event in events:
        place = partition_of(event.dossier, deployment.partitions)
        producer.send(EVENTS, encode_event(event), key=event.dossier.encode(), partition=place)
    producer.flush()
