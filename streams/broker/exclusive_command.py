"""What only one command of a deployment may do at a time, on whatever machine it runs.

The right to it is the one partition of a group on the broker, which takes it from a command that it no longer hears of:
nothing is left behind by one that was killed.
"""

import getpass
import os
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any, Self

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaError

from schemas.connection import KafkaConnection
from schemas.topics import ALERTS
from streams.broker import topics
from streams.broker.group import SESSION_SECONDS, members
from streams.errors import NotAlone, NotMigrated

_TRY_SECONDS = SESSION_SECONDS + 6.0
_STALE_SECONDS = SESSION_SECONDS / 2
_POLL_MILLISECONDS = 200


class Exclusive(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """The right to do `what`, while it is entered; entering waits SESSION_SECONDS for one that was killed.

    Raises NotAlone, which names who has it, or Unreachable. `require` must be called before anything that two must not
    do: it raises NotAlone once the broker gave the right away, as after this process was frozen.
    """

    def __init__(self, kafka: KafkaConnection, what: str) -> None:
        self._kafka = kafka
        self._what = what
        self._group = f"dossier-{what}"
        self._has_it = threading.Event()
        self._over = threading.Event()
        self._heard = 0.0
        self._thread = threading.Thread(target=self._keep, name=self._group, daemon=True)

    def __enter__(self) -> Self:
        with topics.answered(self._kafka):
            self._consumer = KafkaConsumer(
                **self._kafka.options(),
                group_id=self._group,
                client_id=_person(),
                session_timeout_ms=int(SESSION_SECONDS * 1000),
                heartbeat_interval_ms=int(SESSION_SECONDS * 1000 / 4),
                # Who has the partition keeps it when another asks for it.
                partition_assignment_strategy=[StickyPartitionAssignor],
                enable_auto_commit=False,
                auto_offset_reset="latest",
                allow_auto_create_topics=False,
            )
            if not self._consumer.partitions_for_topic(ALERTS):
                self._consumer.close(autocommit=False)
                raise NotMigrated(f"Kafka at {self._kafka.bootstrap} has no topic {ALERTS}: run `dossier migrate`")
            self._consumer.subscribe([ALERTS], listener=self)
        self._thread.start()
        if not self._has_it.wait(_TRY_SECONDS):
            others = members(self._kafka, self._group) - {_person()}
            self.__exit__()
            raise NotAlone(
                f"another {self._what} runs: {', '.join(sorted(others)) or 'the broker does not say whose'}; wait for "
                f"it, or stop it: {SESSION_SECONDS:.0f} seconds after it is gone, this can be run again"
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def require(self) -> None:
        """Return if the right is still ours."""
        deadline = time.monotonic() + _TRY_SECONDS
        # After a freeze it may be another's, and only the broker knows.
        while time.monotonic() - self._heard > _STALE_SECONDS and time.monotonic() < deadline:
            time.sleep(_POLL_MILLISECONDS / 1000)
        if not self._has_it.is_set() or time.monotonic() > deadline:
            raise NotAlone(f"the broker took this {self._what} for dead and may have let another begin: run it again")

    def on_partitions_revoked(self, _: Iterable[Any]) -> None:
        """The group is divided anew; who has the right keeps it."""

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """The group is divided: the right is ours, or another's."""
        if any(assigned):
            self._consumer.pause(*assigned)
            self._has_it.set()
        else:
            self._has_it.clear()

    def _keep(self) -> None:
        while not self._over.is_set():
            try:
                self._consumer.poll(timeout_ms=_POLL_MILLISECONDS)
            except KafkaError:
                continue  # `require` sees that nothing was heard
            self._heard = time.monotonic()
        self._consumer.close(autocommit=False)


def _person() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in many containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}-{os.getpid()}"
