"""The consumer group of the workers: its members and its committed offsets."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from kafka import OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NoError,
    NotCoordinatorError,
)

from schemas.connection import KafkaConnection
from schemas.topics import EVENTS
from streams.broker.topics import admin
from streams.errors import NotExclusive, Unreachable

GROUP = "dossier-counting"
SESSION_SECONDS = 6.0
"""How long the broker keeps a member whose heartbeats have stopped."""
_COORDINATOR_SECONDS = 15.0
_GONE_SECONDS = SESSION_SECONDS + 4.0
_POLL_SECONDS = 0.2

_T = TypeVar("_T")


def members(kafka: KafkaConnection, group: str = GROUP) -> set[str]:
    """The names of the group's members; empty while the group rebalances. Raises Unreachable."""
    state, names = _described(kafka, group)
    return names if state == "Stable" else set()


def require_no_members(kafka: KafkaConnection, on_wait: Callable[[set[str]], None] | None = None) -> None:
    """Return when no worker is in the group; raises NotExclusive with their names where some stay.

    A killed worker stays a member for SESSION_SECONDS, so this waits for longer; `on_wait` is told for whom.
    """
    deadline = time.monotonic() + _GONE_SECONDS
    while names := _described(kafka)[1]:
        if time.monotonic() > deadline:
            raise NotExclusive(
                f"workers are in the group: {', '.join(sorted(names))}; stop them where they are supervised (an "
                "embedded platform: `dossier down`, then `dossier up --workers 0`), then run this again"
            )
        if on_wait:
            on_wait(names)
        time.sleep(_POLL_SECONDS)


def committed_offsets(client: KafkaAdminClient) -> dict[int, int]:
    """The group's committed offsets in the events topic, by partition; partitions without one are left out."""
    found = _ask_coordinator(lambda: client.list_group_offsets({GROUP: None})[GROUP])
    return {
        at.partition: committed.offset
        for at, committed in found.items()
        if at.topic == EVENTS and committed.offset >= 0
    }


def commit_offsets(client: KafkaAdminClient, offsets: Mapping[int, int]) -> None:
    """Set the group's committed offsets; raises NotExclusive when a worker is in it, and then changes nothing."""
    wanted = {TopicPartition(EVENTS, at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()}
    done = _ask_coordinator(lambda: client.alter_group_offsets(GROUP, wanted))
    if refused := {error.__name__ for error in done.values() if error is not NoError}:
        raise NotExclusive(
            f"the broker does not let the group's offsets be set ({', '.join(sorted(refused))}): a worker joined it; "
            "stop the workers, then run this again"
        )


def _described(kafka: KafkaConnection, name: str = GROUP) -> tuple[str, set[str]]:
    with admin(kafka) as client:
        try:
            group = client.describe_groups([name])[name]
        except CoordinatorNotAvailableError:
            # A broker that never had a group has no coordinator for one.
            return "", set()
    return group["group_state"], {member["group_instance_id"] or member["client_id"] for member in group["members"]}


def _ask_coordinator(ask: Callable[[], _T]) -> _T:
    """The answer of the group's coordinator, which Kafka creates at the first request and moves when a broker dies."""
    deadline = time.monotonic() + _COORDINATOR_SECONDS
    while True:
        try:
            return ask()
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError) as error:
            if time.monotonic() > deadline:
                raise Unreachable(f"Kafka has no coordinator for group {GROUP} ({error}): check the brokers") from error
            time.sleep(_POLL_SECONDS)
