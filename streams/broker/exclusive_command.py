"""A lock on the broker: at most one command of its kind runs in a deployment, on any machine.

The holder is the member of a consumer group that owns a certain partition. When its heartbeats stop, the broker gives
the partition to another member, so a killed command leaves no lock behind. Its client may not notice (kafka-python can
lose a join that outlasts a poll, and then sends no heartbeats), so the holder commits an offset every second, which the
broker takes from a member only: the lock is held for as long as that is answered.
"""

import getpass
import os
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Self

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaError

from schemas.connection import KafkaConnection
from schemas.topics import ALERTS
from streams.broker import topics
from streams.broker.group import SESSION_SECONDS, members
from streams.errors import NotExclusive, NotMigrated

_ACQUIRE_SECONDS = SESSION_SECONDS + 6.0
_FRESH_SECONDS = SESSION_SECONDS / 2
_CONFIRM_SECONDS = SESSION_SECONDS / 6
_POLL_MILLISECONDS = 200
_LOCK = TopicPartition(ALERTS, 0)


class ExclusiveCommand(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """The lock of a `command`, held while this is entered; entering waits SESSION_SECONDS for a killed holder.

    Entering raises NotExclusive, which names the holder, or Unreachable. Call `require` before anything that two
    commands must not do: it raises NotExclusive once the broker gave the lock away, as after a freeze of this process.
    """

    def __init__(self, kafka: KafkaConnection, command: str) -> None:
        self._kafka = kafka
        self._command = command
        self._group = f"dossier-{command}"
        self._is_held = threading.Event()
        self._released = threading.Event()
        self._member = ""
        self._confirmed_at = -_ACQUIRE_SECONDS
        self._thread = threading.Thread(target=self._poll_until_released, name=self._group, daemon=True)

    def __enter__(self) -> Self:
        with topics.translated_errors(self._kafka):
            self._consumer = KafkaConsumer(
                **self._kafka.options(),
                group_id=self._group,
                client_id=_client_name(),
                session_timeout_ms=int(SESSION_SECONDS * 1000),
                heartbeat_interval_ms=int(SESSION_SECONDS * 1000 / 4),
                # The owner of the partition keeps it when another member joins.
                partition_assignment_strategy=[StickyPartitionAssignor],
                enable_auto_commit=False,
                auto_offset_reset="latest",
                allow_auto_create_topics=False,
            )
            if not self._consumer.partitions_for_topic(ALERTS):
                self._consumer.close(autocommit=False)
                raise NotMigrated(f"Kafka at {self._kafka.bootstrap} has no topic {ALERTS}: run `dossier migrate`")
            self._consumer.subscribe([ALERTS], listener=self)
            # Metadata that come after the first join make the client join again, and it may lose that join.
            self._consumer.topics()
        self._thread.start()
        if not self._is_held.wait(_ACQUIRE_SECONDS):
            others = members(self._kafka, self._group) - {_client_name()}
            self.__exit__()
            raise NotExclusive(
                f"another {self._command} runs: {', '.join(sorted(others)) or 'the broker does not say whose'}; wait "
                f"for it, or stop it: {SESSION_SECONDS:.0f} seconds after it is gone, this can be run again"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._thread.join()

    def require(self) -> None:
        """Return if the lock is still held."""
        deadline = time.monotonic() + _ACQUIRE_SECONDS
        # After a freeze another command may hold it, and only the broker knows.
        while self._is_held.is_set() and not self._is_fresh() and time.monotonic() < deadline:
            time.sleep(_POLL_MILLISECONDS / 1000)
        if not self._is_held.is_set() or not self._is_fresh():
            raise NotExclusive(
                f"the broker missed this {self._command}'s heartbeats and may have let another begin: run it again"
            )

    def on_partitions_revoked(self, _: Iterable[Any]) -> None:
        """A rebalance begins; the holder keeps the lock."""

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """A rebalance has ended: the lock is ours, or another's; what was lost once stays lost."""
        partitions = set(assigned)
        self._consumer.pause(*partitions)
        member = self._consumer.group_metadata().member_id
        is_ours = _LOCK in partitions
        if is_ours and not self._member:
            self._member = member
            self._is_held.set()
        elif not is_ours or member != self._member:
            self._is_held.clear()

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._confirmed_at < _FRESH_SECONDS

    def _poll_until_released(self) -> None:
        while not self._released.is_set():
            # `require` notices when nothing succeeds.
            with suppress(KafkaError):
                self._consumer.poll(timeout_ms=_POLL_MILLISECONDS)
                self._confirm()
        self._consumer.close(autocommit=False)

    def _confirm(self) -> None:
        """Have the broker confirm that this is a member, as of when it was asked."""
        asked_at = time.monotonic()
        if self._is_held.is_set() and asked_at - self._confirmed_at > _CONFIRM_SECONDS:
            self._consumer.commit({_LOCK: OffsetAndMetadata(0, "", -1)}, timeout_ms=int(_CONFIRM_SECONDS * 1000))
            self._confirmed_at = asked_at


def _client_name() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in many containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}-{os.getpid()}"
