"""The group of workers, as the broker knows it: who is in it and where it goes on."""

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
from streams.errors import NotAlone, Unreachable

GROUP = "dossier-counting"
SESSION_SECONDS = 6.0
"""How long the broker keeps a worker in the group that it no longer hears of."""
_COORDINATOR_SECONDS = 15.0
_GONE_SECONDS = SESSION_SECONDS + 4.0
_POLL_SECONDS = 0.2

_T = TypeVar("_T")


def members(kafka: KafkaConnection, group: str = GROUP) -> set[str]:
    """The names of the workers, or of another group's members; empty while partitions are being divided among them.

    Raises Unreachable.
    """
    state, names = _described(kafka, group)
    return names if state == "Stable" else set()


def require_nobody(kafka: KafkaConnection, wait: Callable[[set[str]], None] | None = None) -> None:
    """Return when no worker is in the group; raises NotAlone with their names where some stay.

    One that was just stopped stays a member for SESSION_SECONDS, so that much is waited; `wait` hears for whom.
    """
    deadline = time.monotonic() + _GONE_SECONDS
    while names := _described(kafka)[1]:
        if time.monotonic() > deadline:
            raise NotAlone(
                f"workers are in the group: {', '.join(sorted(names))}; stop them where they are supervised (an "
                "embedded platform: `dossier down`, then `dossier up --workers 0`), then run this again"
            )
        if wait:
            wait(names)
        time.sleep(_POLL_SECONDS)


def committed_offsets(client: KafkaAdminClient) -> dict[int, int]:
    """Where the group goes on in the events topic, by partition; those it never committed are left out."""
    found = _coordinated(lambda: client.list_group_offsets({GROUP: None})[GROUP])
    return {
        at.partition: committed.offset
        for at, committed in found.items()
        if at.topic == EVENTS and committed.offset >= 0
    }


def commit_offsets(client: KafkaAdminClient, offsets: Mapping[int, int]) -> None:
    """Make the group go on at these offsets; raises NotAlone when a worker is in it, and changes nothing then."""
    wanted = {TopicPartition(EVENTS, at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()}
    done = _coordinated(lambda: client.alter_group_offsets(GROUP, wanted))
    if refused := {error.__name__ for error in done.values() if error is not NoError}:
        raise NotAlone(
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


def _coordinated(ask: Callable[[], _T]) -> _T:
    """The answer of the group's coordinator, which a broker makes at the first question and moves when one dies."""
    deadline = time.monotonic() + _COORDINATOR_SECONDS
    while True:
        try:
            return ask()
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError) as error:
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"Kafka has no coordinator for group {GROUP} ({error}): look at the brokers"
                ) from error
            time.sleep(_POLL_SECONDS)
