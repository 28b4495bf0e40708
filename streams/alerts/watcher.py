"""The watch for late dossiers: a thread in each worker, at work in the one that owns partition 0."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from schemas.alerts import Level
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.errors import DossierError
from schemas.instant import to_micros
from schemas.profile import Profile
from schemas.topics import EVENTS
from streams.alerts.log import AlertLog
from streams.alerts.overdue import Case, Look, Standing, alerts_of
from streams.broker import topics
from streams.errors import NotMigrated, Superseded
from streams.queries import query
from streams.storage.clickhouse import ClickHouseStore, database

log = logging.getLogger(__name__)

SECONDS = 15.0
"""Between two looks at the least: what a look takes of the worker's time must not show in how fresh its counts are."""
_SHARE = 20
"""A look that took long is followed by so many times its length: at most a twentieth of a core goes into watching."""
_TROUBLE_SECONDS = 10.0
_AT_ONCE = 10_000
"""Dossiers of one look at most: where a city is watched for the first time, the next look goes on."""


class LateDossiers:
    """The dossiers of a deployment, looked at with what is known of where counting stands; for one thread.

    What it knows is of its last look, so one that did not look for a while must give way to a new one.
    """

    def __init__(
        self, kafka: KafkaConnection, clickhouse: ClickHouseConnection, profile: Profile, levels: Sequence[Level]
    ) -> None:
        self._kafka = kafka
        self._clickhouse = clickhouse
        self._profile = profile
        self._levels = levels
        self._ends: Mapping[int, int] | None = None
        self._consumer: KafkaConsumer | None = None

    def look(self, alerts: AlertLog, now: datetime) -> Look:
        """Write the alerts that are due now.

        Only dossiers are looked at whose partition is counted up to where it ended at the look before: the first look
        sees none. While a history is counted, dossiers seem open that are long resolved. Raises Unreachable,
        NotMigrated or Superseded.
        """
        ends, self._ends = self._ends, self._read_ends()
        current = self._current(ends) if ends is not None else []
        found = list(alerts_of(self._cases(current, now), self._levels, now, alerts.next)) if current else []
        alerts.append(found)
        with database(self._clickhouse) as client:
            return Look(found, dict(client.execute("SELECT level, count() FROM standing_alerts GROUP BY level")))

    def _read_ends(self) -> dict[int, int]:
        # Kept, as the admin client is not: making a client costs more than all that is asked.
        with topics.answered(self._kafka):
            if self._consumer is None:
                self._consumer = KafkaConsumer(**self._kafka.options())
            partitions = self._consumer.partitions_for_topic(EVENTS)
            if not partitions:
                raise NotMigrated(f"Kafka at {self._kafka.bootstrap} has no topic {EVENTS}: run `dossier migrate`")
            ends = self._consumer.end_offsets([TopicPartition(EVENTS, partition) for partition in partitions])
        return {at.partition: end for at, end in ends.items()}

    def close(self) -> None:
        """Let go of Kafka."""
        if self._consumer is not None:
            self._consumer.close()

    def _current(self, ends: Mapping[int, int]) -> list[int]:
        with closing(ClickHouseStore(self._clickhouse)) as store:
            reached = store.read_checkpoints(EVENTS)
        return [at for at, end in ends.items() if end == 0 or (at in reached and reached[at].offset + 1 >= end)]

    def _cases(self, partitions: Sequence[int], now: datetime) -> list[Case]:
        first = self._levels[0].after
        named = {
            "partitions": list(partitions),
            "complete": int(self._ends is not None and len(partitions) == len(self._ends)),
            "most": _AT_ONCE,
            "now": to_micros(now),
            "horizon": to_micros(now - first),
            "first": round(first.total_seconds()),
            "levels": [level.name for level in self._levels],
            "afters": [round(level.after.total_seconds()) for level in self._levels],
        }
        with database(self._clickhouse) as client:
            return [_case(*row) for row in client.execute(query("overdue", self._profile), named)]


def _case(
    dossier: str,
    agency: str,
    procedure: str,
    ended: str,
    term: datetime | None,
    deadline: datetime | None,
    level: str,
    *standing: Any,
) -> Case:
    return Case(dossier, agency, procedure, ended, term, deadline, Standing(level, *standing) if level else None)


class Alerting:
    """Runs the watch while this worker owns it; told so from any thread, it never keeps the caller waiting.

    Two workers may for a moment both believe that they own it: the log lets only one write. Trouble with a service is
    logged and tried again, and touches no counting. `seen` hears of each look and how many seconds it took.
    """

    def __init__(
        self,
        open_log: Callable[[], AlertLog],
        open_dossiers: Callable[[], LateDossiers],
        seen: Callable[[Look, float], None] = lambda _look, _seconds: None,
        seconds: float = SECONDS,
    ) -> None:
        self._open_log = open_log
        self._open_dossiers = open_dossiers
        self._seen = seen
        self._seconds = seconds
        self._owned = threading.Event()
        self._given_up = threading.Event()
        threading.Thread(target=self._run, name="alerting", daemon=True).start()

    def own(self, owned: bool) -> None:
        """Begin or stop to watch; what was begun is ended first."""
        if owned:
            self._given_up.clear()
            self._owned.set()
        else:
            self._owned.clear()
            self._given_up.set()

    def _run(self) -> None:
        while self._owned.wait():
            try:
                with closing(self._open_log()) as alerts, closing(self._open_dossiers()) as dossiers:
                    log.info("watching for late dossiers", extra={"next_alert": alerts.next})
                    self._watch(alerts, dossiers)
            except Superseded as error:
                # It may be this worker's own again by now, but then a rebalance says so, or the next try does.
                log.info("%s", error)
            except DossierError as error:
                log.warning("watching for late dossiers is tried again: %s", error)
            except Exception:  # a bug here must neither end the watch nor keep anything from being counted
                log.exception("watching for late dossiers is tried again")
            self._given_up.wait(_TROUBLE_SECONDS)

    def _watch(self, alerts: AlertLog, dossiers: LateDossiers) -> None:
        pause = 0.0
        while not self._given_up.wait(pause):
            began = time.monotonic()
            look = dossiers.look(alerts, datetime.now(UTC))
            took = time.monotonic() - began
            self._seen(look, took)
            pause = max(self._seconds, took * _SHARE)
