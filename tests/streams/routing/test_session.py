"""The inbox against a real broker: foreign producers, kills between any two steps, zombies."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.cluster import ClusterMetadata

from connectors.inbox.event_record import events_of_record
from schemas.connection import KafkaConnection
from schemas.dead_letter import DeadLetter, decode_dead
from schemas.envelope import decode_event, encode_event
from schemas.events import Received
from schemas.partition import partition_of
from schemas.topics import DEAD, EVENTS, INBOX, declared
from streams.broker import topics
from streams.errors import LostEvents, Superseded, Unreachable
from streams.routing.batch import Batch
from streams.routing.session import Session
from tests.broker import delete_topics
from tests.streams.cases import at
from tests.streams.routing import killed_router

pytestmark = [pytest.mark.kafka, pytest.mark.process]

PARTITIONS = 3
ROUTE_SECONDS = 60
METADATA_AGE = 299_000
"""Longer than a test may take: by it, a session's consumer is known from other clients."""


@pytest.fixture
def inbox(kafka: KafkaConnection) -> Iterator[KafkaConnection]:
    """A broker with the topics of a deployment, new and empty."""
    delete_topics(kafka)
    with topics.admin(kafka) as client:
        for topic in declared(PARTITIONS, 1):
            topics.create(client, topic)
    yield kafka
    delete_topics(kafka)


def event(number: int, dossier: str | None = None) -> Received:
    name = dossier or f"Hồ sơ {number}"
    return Received(id=f"e{number}", dossier=name, source="đất", occurred_at=at("2026-01-05 08:30"), agency="H26")


def librdkafka(kafka: KafkaConnection) -> confluent_kafka.Producer:
    """A producer as other teams have it: its default partitioner is not Kafka's."""
    return confluent_kafka.Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "security.protocol": kafka.security,
            "sasl.mechanism": kafka.mechanism,
            "sasl.username": kafka.user,
            "sasl.password": kafka.password.reveal(),
            "compression.type": "lz4",
        }
    )


def send(kafka: KafkaConnection, values: Sequence[bytes]) -> None:
    producer = librdkafka(kafka)
    for number, value in enumerate(values):
        producer.produce(INBOX, value, key=f"key {number}".encode())
    assert producer.flush(30) == 0


def open_session(
    kafka: KafkaConnection, name: str = "killed", letters: list[DeadLetter] | None = None, **options: Any
) -> Session:
    put_aside = (lambda _: None) if letters is None else letters.extend
    return Session(kafka, INBOX, name, events_of_record, put_aside, **options)


def route_all(session: Session, *, idle: int = 3) -> None:
    """Step until nothing came for a few polls of a member that owns all partitions."""
    end, quiet = time.monotonic() + ROUTE_SECONDS, 0
    while quiet < idle:
        assert time.monotonic() < end
        batch = session.step(300)
        lag = session.lag()
        quiet = quiet + 1 if batch is None and lag and not any(lag.values()) else 0


def committed(kafka: KafkaConnection, topic: str) -> list[tuple[int, bytes]]:
    """Every value that a reader of committed records finds, with its partition."""
    found: list[tuple[int, bytes]] = []
    with closing(
        KafkaConsumer(**kafka.options(), isolation_level="read_committed", auto_offset_reset="earliest")
    ) as consumer:
        places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        end = time.monotonic() + 40
        while any(consumer.position(place) < ends[place] for place in places):
            assert time.monotonic() < end
            for place, records in consumer.poll(timeout_ms=200).items():
                found += [(place.partition, record.value) for record in records]
    return found


def routed(kafka: KafkaConnection) -> Counter[str]:
    """How often each event is on the events topic; each must be where its dossier belongs."""
    ids: Counter[str] = Counter()
    for partition, value in committed(kafka, EVENTS):
        for line in value.split(b"\n"):
            found = decode_event(line)
            assert partition_of(found.dossier, PARTITIONS) == partition
            ids[found.id] += 1
    return ids


def test_what_another_partitioner_sent_is_counted_where_it_belongs(inbox: KafkaConnection) -> None:
    events = [event(number) for number in range(60)]
    single, some, many = events[:20], events[20:40], events[40:]
    array = b"[\n" + b",\n".join(map(encode_event, some)) + b"\n]"
    send(inbox, [*map(encode_event, single), array, b"\n".join(map(encode_event, many))])
    letters: list[DeadLetter] = []
    with closing(open_session(inbox, letters=letters)) as session:
        route_all(session)
    assert routed(inbox) == Counter(each.id for each in events)
    assert letters == []


def test_a_bad_record_is_put_aside_with_its_place_and_the_rest_goes_on(inbox: KafkaConnection) -> None:
    bad = b'[{"kind":"received","id":"x"},' + encode_event(event(1)) + b"]"
    send(inbox, [encode_event(event(0)), bad, b"\xff", encode_event(event(2))])
    letters: list[DeadLetter] = []
    with closing(open_session(inbox, letters=letters)) as session:
        route_all(session)
    assert routed(inbox) == Counter({"e0": 1, "e1": 1, "e2": 1})
    assert {(each.topic, each.line, each.reason) for each in letters} == {
        (INBOX, 0, "invalid"),
        (INBOX, 0, "malformed"),
    }
    assert sorted(each.line_bytes for each in letters) == [b'{"kind":"received","id":"x"}', b"\xff"]
    on_kafka = [decode_dead(value) for _, value in committed(inbox, DEAD)]
    assert sorted(on_kafka, key=lambda each: (each.partition, each.offset)) == sorted(
        letters, key=lambda each: (each.partition, each.offset)
    )


def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(inbox: KafkaConnection, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    sent = 0
    for step in killed_router.STEPS:
        for when in ("before", "after"):
            # Each round has records of its own, and those whose router was killed before it committed.
            send(inbox, [encode_event(event(number)) for number in range(sent, sent + 10)] + [b"no event"])
            sent += 10
            arguments = [step, when, inbox.bootstrap, inbox.user, inbox.password.reveal(), str(aside)]
            ended = subprocess.run(
                [sys.executable, killed_router.__file__, *arguments],
                cwd=Path(__file__).parents[3],
                env={"PYTHONPATH": str(Path(__file__).parents[3])},
                check=False,
                timeout=60,
            )
            assert ended.returncode == -9, (step, when)
    letters: list[DeadLetter] = []
    with closing(open_session(inbox, letters=letters)) as session:
        route_all(session)
    assert routed(inbox) == Counter(f"e{number}" for number in range(sent))
    dead = [decode_dead(value) for _, value in committed(inbox, DEAD)]
    places = [(each.partition, each.offset, each.line) for each in dead]
    assert len(places) == len(set(places)) == 2 * len(killed_router.STEPS)
    # The table has them all, each at least once and under one key.
    stored = {tuple(json.loads(line)) for line in aside.read_text().splitlines()}
    assert stored | {(each.partition, each.offset, each.line) for each in letters} == set(places)


def test_records_that_are_gone_before_they_were_routed_are_told_and_skipped_only_by_consent(
    inbox: KafkaConnection,
) -> None:
    send(inbox, [encode_event(event(number)) for number in range(30)])
    with closing(open_session(inbox)) as session:
        route_all(session)
    send(inbox, [encode_event(event(number)) for number in range(30, 60)])
    with topics.admin(inbox) as client:
        ends = topics.end_offsets(client, topics.find(client, [INBOX])[INBOX])
        client.delete_records({TopicPartition(INBOX, partition): end - 1 for partition, end in ends.items()})
    with closing(open_session(inbox)) as session, pytest.raises(LostEvents):
        step_until_a_batch(session)
    with closing(Session(inbox, INBOX, "killed", events_of_record, lambda _: None, accepts_gap=True)) as session:
        route_all(session)
    assert len(routed(inbox)) == 30 + PARTITIONS


def between(session: Session, step: str, act: Callable[[], None]) -> None:
    """Have something happen before a step of the session."""
    real = getattr(session, step)

    def acting(*arguments: object) -> None:
        act()
        real(*arguments)

    setattr(session, step, acting)


def step_until_a_batch(session: Session) -> Batch | None:
    end = time.monotonic() + ROUTE_SECONDS
    while time.monotonic() < end:
        if batch := session.step(300):
            return batch
    return None


@pytest.mark.parametrize("step", ["_send", "_send_offsets", "_commit"])
def test_a_router_that_was_replaced_by_one_of_its_name_commits_nothing(inbox: KafkaConnection, step: str) -> None:
    send(inbox, [encode_event(event(number)) for number in range(10)])
    with closing(open_session(inbox)) as frozen:

        def replace() -> None:
            frozen._consumer.close(autocommit=False)
            with closing(open_session(inbox)) as successor:
                route_all(successor)

        between(frozen, step, replace)
        with pytest.raises((Superseded, Unreachable)):
            step_until_a_batch(frozen)
    assert routed(inbox) == Counter(f"e{number}" for number in range(10))


def test_a_router_that_was_thrown_out_of_the_group_commits_nothing(inbox: KafkaConnection) -> None:
    send(inbox, [encode_event(event(number)) for number in range(10)])
    # It does not poll for so long that its client leaves the group, as after a freeze.
    with closing(open_session(inbox, "one", max_poll_interval_ms=2_000)) as frozen:

        def freeze() -> None:
            with closing(open_session(inbox, "two")) as other:
                route_all(other)

        between(frozen, "_send_offsets", freeze)
        with pytest.raises(Unreachable):
            step_until_a_batch(frozen)
    # Whoever comes next under its name ends what it left open.
    open_session(inbox, "one").close()
    assert routed(inbox) == Counter(f"e{number}" for number in range(10))


def test_two_routers_share_the_partitions(inbox: KafkaConnection) -> None:
    with closing(open_session(inbox, "one")) as one, closing(open_session(inbox, "two")) as two:
        owned: list[set[int]] = [set(), set()]
        end = time.monotonic() + ROUTE_SECONDS
        while not all(owned) or owned[0] & owned[1]:
            assert time.monotonic() < end
            for number, session in enumerate((one, two)):
                session.step(50)
                owned[number] = set(session.lag())
        send(inbox, [encode_event(event(number)) for number in range(100)])
        batches = [0, 0]
        while sum(batches) < 100:
            assert time.monotonic() < end
            for number, session in enumerate((one, two)):
                batch = session.step(50)
                batches[number] += batch.records if batch else 0
        assert all(batches)
    assert routed(inbox) == Counter(f"e{number}" for number in range(100))


def test_a_client_whose_first_answers_tell_of_no_topic_gets_the_partitions(
    inbox: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They are on their way when it subscribes, and it takes them for answers about the topic.
    ask = ClusterMetadata.metadata_request
    asked: Counter[ClusterMetadata] = Counter()

    def asking(cluster: ClusterMetadata) -> Any:
        request = ask(cluster)
        if cluster.config["metadata_max_age_ms"] == METADATA_AGE and asked[cluster] < 4:
            asked[cluster] += 1
            request.topics = []
        return request

    monkeypatch.setattr(ClusterMetadata, "metadata_request", asking)
    send(inbox, [encode_event(event(0))])
    # Nobody waits for the next time that the client asks of its own accord.
    with closing(open_session(inbox, "late", metadata_max_age_ms=METADATA_AGE)) as session:
        route_all(session)
    assert asked.total() == 4
    assert routed(inbox) == Counter({"e0": 1})
