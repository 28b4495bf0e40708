"""Producers that are not ours: they compress as they like, and write in transactions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import KafkaProducer

from schemas.connection import KafkaConnection
from schemas.envelope import encode_event
from schemas.events import Event, Received
from schemas.partition import partition_of
from schemas.topics import EVENTS
from tests.streams.cases import at

CODECS = (None, "gzip", "snappy", "lz4", "zstd")


def received(agency: str, count: int, *, dossiers: str = "") -> list[Event]:
    """Receptions of so many dossiers at an agency."""
    when = at("2026-01-05 08:30")
    names = [f"{dossiers or agency}-{number}" for number in range(count)]
    return [Received(id=f"{name}-1", dossier=name, source="foreign", occurred_at=when, agency=agency) for name in names]


@contextmanager
def producer(
    kafka: KafkaConnection, *, codec: str | None = None, transaction: str | None = None
) -> Iterator[KafkaProducer]:
    """A producer with this compression, or of this transactional id."""
    made = KafkaProducer(
        **kafka.options(), acks="all", compression_type=codec, linger_ms=50, transactional_id=transaction
    )
    try:
        if transaction:
            made.init_transactions()
        yield made
    finally:
        made.close(timeout=5)


def send(made: KafkaProducer, events: Sequence[Event], partitions: int, *, only: int | None = None) -> None:
    """Each event as a record with its dossier as the key; returns when all are on the broker."""
    for event in events:
        place = partition_of(event.dossier, partitions) if only is None else only
        made.send(EVENTS, encode_event(event), key=event.dossier.encode(), partition=place)
    made.flush()


def transact(
    kafka: KafkaConnection, events: Sequence[Event], partitions: int, *, commits: bool, name: str = "t"
) -> None:
    """Send the events in one transaction, and commit or abort it."""
    with producer(kafka, transaction=name) as made:
        made.begin_transaction()
        send(made, events, partitions)
        if commits:
            made.commit_transaction()
        else:
            made.abort_transaction()
