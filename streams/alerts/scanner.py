"""The scanner for late dossiers, and the thread that runs it in the one worker that is the leader."""

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
from schemas.deployment_profile import Profile
from schemas.errors import DossierError
from schemas.instant import to_micros
from schemas.topics import EVENTS
from streams.alerts.log import AlertLog
from streams.alerts.overdue import Case, Scan, StandingAlert, alerts_of
from streams.broker import topics
from streams.errors import NotMigrated, Superseded
from streams.queries import query
from streams.storage.clickhouse_client import database
from streams.storage.clickhouse_store import ClickHouseStore

log = logging.getLogger(__name__)

SECONDS = 15.0
"""The least time between two scans: what a scan takes of the worker's time must not show in its freshness."""
_PAUSE_FACTOR = 20
"""A scan is followed by a pause of so many times its length, so scans take at most a twentieth of a core."""
_RETRY_SECONDS = 10.0
_DOSSIERS_PER_SCAN = 10_000
"""Where more alerts are due, as at the first scan of a city, the next scans raise the others."""


class OverdueScanner:
    """Scans the dossiers of a deployment for alerts that are due; for one thread.

    It remembers where the partitions ended at its last scan, so after a pause it must be replaced by a new one.
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

    def scan(self, alerts: AlertLog, now: datetime) -> Scan:
        """Write the alerts that are due now.

        It skips partitions that are not counted up to where they ended at the last scan, because while a history is
        being counted, resolved dossiers still seem open. So the first scan finds nothing. Raises Unreachable,
        NotMigrated or Superseded.
        """
        ends, self._ends = self._ends, self._read_ends()
        current = self._current_partitions(ends) if ends is not None else []
        due = list(alerts_of(self._read_cases(current, now), self._levels, now, alerts.next)) if current else []
        alerts.append(due)
        with database(self._clickhouse) as client:
            return Scan(due, dict(client.execute("SELECT level, count() FROM standing_alerts GROUP BY level")))

    def close(self) -> None:
        """Close the connection to Kafka."""
        if self._consumer is not None:
            self._consumer.close()

    def _read_ends(self) -> dict[int, int]:
        # The consumer is kept, unlike admin clients elsewhere: making a client costs more than the question.
        with topics.translated_errors(self._kafka):
            if self._consumer is None:
                self._consumer = KafkaConsumer(**self._kafka.options())
            partitions = self._consumer.partitions_for_topic(EVENTS)
            if not partitions:
                raise NotMigrated(f"Kafka at {self._kafka.bootstrap} has no topic {EVENTS}: run `dossier migrate`")
            ends = self._consumer.end_offsets([TopicPartition(EVENTS, partition) for partition in partitions])
        return {at.partition: end for at, end in ends.items()}

    def _current_partitions(self, ends: Mapping[int, int]) -> list[int]:
        with closing(ClickHouseStore(self._clickhouse)) as store:
            reached = store.read_checkpoints(EVENTS)
        return [at for at, end in ends.items() if end == 0 or (at in reached and reached[at].offset + 1 >= end)]

    def _read_cases(self, partitions: Sequence[int], now: datetime) -> list[Case]:
        first = self._levels[0].after
        parameters = {
            "partitions": list(partitions),
            "complete": int(self._ends is not None and len(partitions) == len(self._ends)),
            "most": _DOSSIERS_PER_SCAN,
            "now": to_micros(now),
            "horizon": to_micros(now - first),
            "first": round(first.total_seconds()),
            "levels": [level.name for level in self._levels],
            "afters": [round(level.after.total_seconds()) for level in self._levels],
        }
        with database(self._clickhouse) as client:
            return [_case(*row) for row in client.execute(query("overdue", self._profile), parameters)]


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
    alert = StandingAlert(level, *standing) if level else None
    return Case(dossier, agency, procedure, ended, term, deadline, alert)


class AlertingThread:
    """Scans again and again while this worker is the leader; `set_leader` may be called by any thread.

    Two workers may both believe for a moment that they are the leader: the log lets only one of them write. Failures of
    a service are logged and retried, and counting goes on. `on_scan` is told of each scan and its seconds.
    """

    def __init__(
        self,
        open_log: Callable[[], AlertLog],
        open_scanner: Callable[[], OverdueScanner],
        on_scan: Callable[[Scan, float], None] = lambda _scan, _seconds: None,
        seconds: float = SECONDS,
    ) -> None:
        self._open_log = open_log
        self._open_scanner = open_scanner
        self._on_scan = on_scan
        self._seconds = seconds
        self._is_leader = threading.Event()
        self._has_resigned = threading.Event()
        threading.Thread(target=self._run, name="alerting", daemon=True).start()

    def set_leader(self, is_leader: bool) -> None:
        """Begin to scan, or stop after the scan that is in progress; returns at once."""
        if is_leader:
            self._has_resigned.clear()
            self._is_leader.set()
        else:
            self._is_leader.clear()
            self._has_resigned.set()

    def _run(self) -> None:
        while self._is_leader.wait():
            try:
                with closing(self._open_log()) as alerts, closing(self._open_scanner()) as scanner:
                    log.info("this worker scans for late dossiers", extra={"next_alert": alerts.next})
                    self._scan_until_resigned(alerts, scanner)
            except Superseded as error:
                # This worker may have become the leader again; then a rebalance or the next attempt shows it.
                log.info("%s", error)
            except DossierError as error:
                log.warning("the scan for late dossiers failed, it is retried: %s", error)
            except Exception:  # a bug here must neither end the thread nor keep events from being counted
                log.exception("the scan for late dossiers failed, it is retried")
            self._has_resigned.wait(_RETRY_SECONDS)

    def _scan_until_resigned(self, alerts: AlertLog, scanner: OverdueScanner) -> None:
        pause = 0.0
        while not self._has_resigned.wait(pause):
            began = time.monotonic()
            scan = scanner.scan(alerts, datetime.now(UTC))
            seconds = time.monotonic() - began
            self._on_scan(scan, seconds)
            pause = max(self._seconds, seconds * _PAUSE_FACTOR)
