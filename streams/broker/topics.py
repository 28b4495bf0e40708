"""The topics on a broker: created once as declared, compared ever after, never changed."""

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
"""A broker learns of a new topic a moment after the controller made it."""


class Found(Struct, frozen=True):
    """A topic as the broker has it."""

    name: str
    topic_id: str
    partitions: int
    replication: int


@contextmanager
def answered(kafka: KafkaConnection) -> Iterator[None]:
    """What fails inside becomes Unreachable with the address and what to do."""
    try:
        yield
    except KafkaError as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise Unreachable(
            f"Kafka at {kafka.bootstrap} does not answer ({text}): start it, or correct {kafka.named_by}"
        ) from error


@contextmanager
def admin(kafka: KafkaConnection) -> Iterator[KafkaAdminClient]:
    """An admin client; what fails inside becomes Unreachable."""
    client = None
    try:
        with answered(kafka):
            client = KafkaAdminClient(**kafka.options(), bootstrap_timeout_ms=5000, request_timeout_ms=10_000)
            yield client
    finally:
        if client is not None:
            client.close()


def cluster_id(client: KafkaAdminClient) -> str:
    """The identity of the Kafka cluster."""
    return str(client.describe_cluster()["cluster_id"])


def find(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, Found]:
    """Those of the topics that exist."""
    wanted = set(names)
    return {
        topic["name"]: Found(
            topic["name"],
            str(topic["topic_id"]),
            len(topic["partitions"]),
            min(len(partition["replica_nodes"]) for partition in topic["partitions"]),
        )
        for topic in client.describe_topics()
        if topic["name"] in wanted and topic["partitions"]
    }


def differences(client: KafkaAdminClient, declared: Topic, found: Found) -> list[str]:
    """What is otherwise than declared, a line each."""
    lines = [
        f"{declared.name}: {what} is {is_}, declared is {should}"
        for what, is_, should in (
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
    """Make the topic and return once the broker shows it; one that exists by now is left as it is."""
    new = NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=topic.config)
    with suppress(TopicAlreadyExistsError):
        client.create_topics([new])
    deadline = time.monotonic() + _SHOWN_SECONDS
    while not find(client, [topic.name]):
        if time.monotonic() > deadline:
            raise Unreachable(
                f"Kafka made topic {topic.name} but does not show it: look at the brokers, then run again"
            )
        time.sleep(0.05)


def first_offsets(client: KafkaAdminClient, topic: Found) -> dict[int, int]:
    """The first offset that the broker still has of each partition."""
    return _offsets(client, topic, OffsetSpec.EARLIEST)


def end_offsets(client: KafkaAdminClient, topic: Found, *, stable: bool = False) -> dict[int, int]:
    """The offset the next record of each partition will get; if `stable`, where its first open transaction begins."""
    level = IsolationLevel.READ_COMMITTED if stable else IsolationLevel.READ_UNCOMMITTED
    return _offsets(client, topic, OffsetSpec.LATEST, level)


def _offsets(
    client: KafkaAdminClient, topic: Found, spec: OffsetSpec, level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED
) -> dict[int, int]:
    asked = {TopicPartition(topic.name, partition): spec for partition in range(topic.partitions)}
    found = client.list_partition_offsets(asked, isolation_level=level)
    return {at.partition: each.offset for at, each in found.items()}


def _config(client: KafkaAdminClient, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    answer = client.describe_configs([resource], config_filter="all")
    return {key: str(entry["value"]) for key, entry in answer["topic"][name].items()}
