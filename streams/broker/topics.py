"""The topics on a broker: created as declared, then compared with their declaration, never changed."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from kafka import IsolationLevel, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic, OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError
from msgspec import Struct

from schemas.connection import KafkaConnection
from schemas.topics import Topic
from streams.errors import Unreachable

_SHOWN_SECONDS = 10.0
"""A broker shows a new topic a moment after the controller has made it."""


class ExistingTopic(Struct, frozen=True):
    """A topic as the broker has it."""

    name: str
    topic_id: str
    partitions: int
    replication: int


@contextmanager
def translated_errors(kafka: KafkaConnection) -> Iterator[None]:
    """Kafka's errors inside become Unreachable, with the address and what to do."""
    try:
        yield
    except KafkaError as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise Unreachable(
            f"Kafka at {kafka.bootstrap} does not answer ({text}): start it, or correct {kafka.named_by}"
        ) from error


@contextmanager
def admin(kafka: KafkaConnection) -> Iterator[KafkaAdminClient]:
    """An admin client; Kafka's errors inside become Unreachable."""
    client = None
    try:
        with translated_errors(kafka):
            client = KafkaAdminClient(**kafka.options(), bootstrap_timeout_ms=5000, request_timeout_ms=10_000)
            yield client
    finally:
        if client is not None:
            client.close()


def cluster_id(client: KafkaAdminClient) -> str:
    """The identity of the Kafka cluster."""
    return str(client.describe_cluster()["cluster_id"])


def find(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, ExistingTopic]:
    """Those of the topics that exist."""
    wanted = set(names)
    return {
        topic["name"]: ExistingTopic(
            topic["name"],
            str(topic["topic_id"]),
            len(topic["partitions"]),
            min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
        )
        for topic in client.describe_topics()
        if topic["name"] in wanted and topic["partitions"]
    }


def differences(client: KafkaAdminClient, declared: Topic, found: ExistingTopic) -> list[str]:
    """How an existing topic differs from its declaration, a line each."""
    lines = [
        f"{declared.name}: {property_} is {is_}, declared is {should}"
        for property_, is_, should in (
            ("partition count", found.partitions, declared.partitions),
            ("replication", found.replication, declared.replication),
        )
        if is_ != should
    ]
    config = _config(client, declared.name)
    lines += [
        f"{declared.name}: {key} is {config.get(key)}, declared is {value}"
        for key, value in declared.config.items()
        if config.get(key) != value
    ]
    return lines


def create(client: KafkaAdminClient, topic: Topic) -> None:
    """Create the topic and return once the broker shows it; one that exists by now is left as it is."""
    new = NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=topic.config)
    with suppress(TopicAlreadyExistsError):
        client.create_topics([new])
    deadline = time.monotonic() + _SHOWN_SECONDS
    while not find(client, [topic.name]):
        if time.monotonic() > deadline:
            raise Unreachable(
                f"Kafka has created topic {topic.name} but does not show it: check the brokers, then run this again"
            )
        time.sleep(0.05)


def first_offsets(client: KafkaAdminClient, topic: ExistingTopic) -> dict[int, int]:
    """The first offset that the broker still has of each partition."""
    return _offsets(client, topic, OffsetSpec.EARLIEST)


def end_offsets(client: KafkaAdminClient, topic: ExistingTopic, *, stable: bool = False) -> dict[int, int]:
    """The high watermark of each partition, or if `stable` its last stable offset."""
    level = IsolationLevel.READ_COMMITTED if stable else IsolationLevel.READ_UNCOMMITTED
    return _offsets(client, topic, OffsetSpec.LATEST, level)


def _offsets(
    client: KafkaAdminClient,
    topic: ExistingTopic,
    spec: OffsetSpec,
    level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
) -> dict[int, int]:
    specs = {TopicPartition(topic.name, partition): spec for partition in range(topic.partitions)}
    found = client.list_partition_offsets(specs, isolation_level=level)
    return {at.partition: each.offset for at, each in found.items()}


def _config(client: KafkaAdminClient, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    answer = client.describe_configs([resource], config_filter="all")
    return {key: str(entry["value"]) for key, entry in answer["topic"][name].items()}
