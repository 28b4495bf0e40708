import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol
from unicodedata import normalize

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewTopic

from connectors.errors import EventTooLarge, Undelivered, Unreachable
from connectors.publishing.envelope_builder import Limits
from connectors.publishing.kafka_transport import KafkaTransport, Transport
from connectors.publishing.publisher import BULK, LIVE, Publisher
from schemas.connection import KafkaConnection
from schemas.envelope import MAX_EVENTS, decode
from schemas.events import AnyEvent, Event
from schemas.partition import partition_of

EventOf = Callable[[str, int], Event]


class Topic(Protocol):
    """A transport under test, and what a reader finds at its end: (partition, event) in order per partition."""

    @property
    def transport(self) -> Transport: ...

    def read(self, events: int) -> list[tuple[int, AnyEvent]]: ...


class PublisherContract:
    """What holds on every transport."""

    def test_every_event_arrives_once_in_its_dossiers_partition_and_order(
        self, topic: Topic, event_of: EventOf
    ) -> None:
        dossiers = [f"H26.{number}-260105-00001" for number in range(101, 130)]
        with Publisher(topic.transport, BULK) as publisher:
            for number in range(100):
                for dossier in dossiers:
                    publisher.publish(event_of(dossier, number))
        read = topic.read(2900)
        assert publisher.acknowledged == len(read) == 2900
        by_dossier = defaultdict(list)
        for partition, event in read:
            assert partition == partition_of(event.dossier, topic.transport.partitions)
            by_dossier[event.dossier].append(event)
        for dossier in dossiers:
            assert by_dossier[dossier] == [event_of(dossier, number) for number in range(100)]

    def test_a_dossier_has_one_partition_in_whichever_unicode_form_its_id_comes(
        self, topic: Topic, event_of: EventOf
    ) -> None:
        ids = [normalize("NFC", f"Đề nghị-{number}") for number in range(20)]
        with Publisher(topic.transport, BULK) as publisher:
            for form in ("NFC", "NFD"):
                for dossier in ids:
                    publisher.publish(event_of(normalize(form, dossier), 1))
        read = topic.read(40)
        assert sorted(event.dossier for _, event in read) == sorted(ids * 2)
        for partition, event in read:
            assert partition == partition_of(event.dossier, topic.transport.partitions)

    def test_a_single_event_travels_without_being_flushed(self, topic: Topic, event_of: EventOf) -> None:
        with Publisher(topic.transport, LIVE) as publisher:
            publisher.publish(event_of("a", 1))
            assert topic.read(1)[0][1] == event_of("a", 1)

    def test_threads_may_share_a_publisher(self, topic: Topic, event_of: EventOf) -> None:
        def work(dossier: str) -> None:
            for number in range(500):
                publisher.publish(event_of(dossier, number))

        with Publisher(topic.transport, Limits(events=7, linger=0.001)) as publisher:
            threads = [threading.Thread(target=work, args=(dossier,)) for dossier in "abcd"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        read = [event for _, event in topic.read(2000)]
        for dossier in "abcd":
            ids = [event.id for event in read if event.dossier == dossier]
            assert ids == [f"{dossier}-{number}" for number in range(500)]

    def test_flush_returns_when_everything_is_acknowledged(self, topic: Topic, event_of: EventOf) -> None:
        with Publisher(topic.transport, BULK) as publisher:
            for number in range(10):
                publisher.publish(event_of("a", number))
                publisher.flush()
                assert publisher.acknowledged == number + 1


class TestMemory(PublisherContract):
    @pytest.fixture
    def topic(self, memory: Any) -> Topic:
        class InMemory:
            transport = memory

            def read(self, events: int) -> list[tuple[int, AnyEvent]]:
                deadline = time.monotonic() + 10
                while len(memory.events()) < events and time.monotonic() < deadline:
                    memory.wait_for(len(memory.records) + 1)
                found: list[tuple[int, AnyEvent]] = memory.events()
                return found

        return InMemory()


@pytest.mark.kafka
class TestKafka(PublisherContract):
    @pytest.fixture
    def topic(self, kafka: KafkaConnection) -> Iterator[Topic]:
        name = f"test-{uuid.uuid4()}"
        admin = KafkaAdminClient(**kafka.options())
        admin.create_topics([NewTopic(name=name, num_partitions=4, replication_factor=1)])

        class OnKafka:
            transport = KafkaTransport(kafka, name)

            def read(self, events: int) -> list[tuple[int, AnyEvent]]:
                found: list[tuple[int, AnyEvent]] = []
                consumer = KafkaConsumer(
                    name, **kafka.options(), auto_offset_reset="earliest", consumer_timeout_ms=10_000
                )
                for record in consumer:
                    decoded = decode(record.value, datetime.now(UTC))
                    assert not decoded.rejections
                    assert record.key is None
                    found += [(record.partition, event) for _, event in decoded.events]
                    if len(found) >= events:
                        break
                consumer.close()
                return found

        yield OnKafka()
        admin.delete_topics([name])
        admin.close()

    def test_a_topic_that_is_not_there_is_named(self, kafka: KafkaConnection) -> None:
        with pytest.raises(Unreachable, match=r"topic no-such-topic is not on .*dossier migrate"):
            KafkaTransport(kafka, "no-such-topic", patience=2.0)


_CONNECT = """
import sys
from connectors.errors import Unreachable
from connectors.publishing.kafka_transport import KafkaTransport
from schemas.connection import KafkaConnection
try:
    KafkaTransport(KafkaConnection(sys.argv[1]), "t", patience=0.5)
except Unreachable as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.kafka
def test_an_address_where_no_broker_is_fails_soon_and_says_what_to_do() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        # A process of its own: the client leaks the sockets that were refused.
        run = subprocess.run(
            [sys.executable, "-c", _CONNECT, address], capture_output=True, text=True, timeout=20, check=False
        )
    assert run.returncode == 3
    assert run.stdout.startswith(f"no Kafka broker answers at {address}")
    assert run.stdout.count("\n") == 1
    assert "DOSSIER_KAFKA" in run.stdout
    assert run.stderr == ""


def test_full_envelopes_go_at_once_and_hold_500_events(memory: Any, event_of: EventOf) -> None:
    with Publisher(memory, Limits(linger=3600)) as publisher:
        for number in range(2 * MAX_EVENTS):
            publisher.publish(event_of("a", number))
        assert [value.count(b"\n") + 1 for _, value in memory.records] == [MAX_EVENTS, MAX_EVENTS]


def test_a_failed_delivery_surfaces_on_the_next_call_and_names_what_is_missing(memory: Any, event_of: EventOf) -> None:
    publisher = Publisher(memory, Limits(events=2, linger=3600))
    publisher.publish(event_of("a", 0))
    publisher.publish(event_of("a", 1))
    memory.failure = OSError("disk full")
    publisher.publish(event_of("a", 2))
    publisher.publish(event_of("a", 3))
    with pytest.raises(Undelivered, match=r"disk full.*publish the same source again") as caught:
        publisher.publish(event_of("a", 4))
    assert (caught.value.topic, caught.value.events, caught.value.first_id) == ("test-events", 2, "a-2")
    assert caught.value.partition == partition_of("a", 4)
    with pytest.raises(Undelivered):
        publisher.flush()
    publisher.close()
    assert memory.closed


def test_a_failed_delivery_surfaces_on_close_when_nothing_else_is_called(memory: Any, event_of: EventOf) -> None:
    memory.failure = OSError("disk full")
    with pytest.raises(Undelivered, match="1 events"), Publisher(memory, Limits(linger=3600)) as publisher:
        publisher.publish(event_of("a", 0))
    assert memory.closed


def test_a_transport_that_raises_is_a_failed_delivery(
    memory: Any, event_of: EventOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not now")

    monkeypatch.setattr(memory, "send", refuse)
    publisher = Publisher(memory, Limits(linger=3600))
    publisher.publish(event_of("a", 0))
    with pytest.raises(Undelivered, match="not now"):
        publisher.flush()
    publisher.close()


def test_an_error_of_the_callers_own_is_not_hidden_by_a_failed_delivery(memory: Any, event_of: EventOf) -> None:
    memory.failure = OSError("disk full")

    def work() -> None:
        with Publisher(memory, LIVE) as publisher:
            publisher.publish(event_of("a", 0))
            raise KeyError("own")

    with pytest.raises(KeyError) as caught:
        work()
    assert any("disk full" in note for note in caught.value.__notes__)


@pytest.mark.slow
def test_publish_waits_while_too_much_is_unacknowledged(memory: Any, event_of: EventOf) -> None:
    memory.held = True
    publisher = Publisher(memory, Limits(events=1), max_unacknowledged=1000)
    accepted = []

    def work() -> None:
        for number in range(50):
            publisher.publish(event_of("a", number))
            accepted.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    memory.wait_for(8)
    thread.join(timeout=0.2)
    assert thread.is_alive()
    assert sum(len(value) + 1 for _, value in memory.records) < 1200
    memory.release()
    thread.join(timeout=10)
    publisher.close()
    assert len(accepted) == publisher.acknowledged == 50


def test_a_kafka_that_never_acknowledges_ends_in_an_error_not_in_waiting(memory: Any, event_of: EventOf) -> None:
    memory.held = True
    publisher = Publisher(memory, Limits(events=1), max_unacknowledged=100, max_block=0.05)
    publisher.publish(event_of("a", 0))
    with pytest.raises(Undelivered, match=r"not acknowledged within 0\.05 s"):
        publisher.publish(event_of("a", 1))
    with pytest.raises(Undelivered, match="1 events"):
        publisher.flush()
    publisher.close()


def test_an_event_that_no_reader_would_take_is_refused_alone(memory: Any, event_of: EventOf) -> None:
    huge = type(event_of("a", 1))(
        id="big", dossier="a", source="test", occurred_at=datetime(2026, 1, 5, tzinfo=UTC), step="x" * 70_000
    )  # type: ignore[call-arg]
    with Publisher(memory, LIVE) as publisher:
        with pytest.raises(EventTooLarge, match=r"'big' of dossier 'a' has 70\d\d\d bytes"):
            publisher.publish(huge)
        publisher.publish(event_of("a", 1))
    assert [event.id for _, event in memory.events()] == ["a-1"]


def test_a_closed_publisher_takes_nothing(memory: Any, event_of: EventOf) -> None:
    publisher = Publisher(memory)
    publisher.close()
    publisher.close()
    with pytest.raises(ValueError, match="closed"):
        publisher.publish(event_of("a", 1))
