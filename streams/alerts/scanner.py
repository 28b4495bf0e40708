"""The scanner for late dossiers, and the thread that runs it in the one worker that is the leader."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from clickhouse_driver import Client
from kafka import KafkaConsumer, TopicPartition

from schemas.alerts import DUE_SOON, Alert, Level
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.errors import DossierError
from schemas.instant import to_micros
from schemas.topics import EVENTS
from streams.alerts.due_soon import Horizons, horizons
from streams.alerts.grounds import grounds
from streams.alerts.log import AlertLog
from streams.alerts.overdue import Case, Scan, StandingAlert, alerts_of, reached
from streams.broker import topics
from streams.errors import NotMigrated, Superseded
from streams.on_time.ruling import Ruling
from streams.queries import query
from streams.storage.clickhouse_client import database, external_table
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
    `ruling` is asked for at each scan: loads that decide may change meanwhile.
    """

    def __init__(
        self,
        kafka: KafkaConnection,
        clickhouse: ClickHouseConnection,
        profile: Profile,
        levels: Sequence[Level],
        ruling: Callable[[], Ruling],
    ) -> None:
        self._kafka = kafka
        self._clickhouse = clickhouse
        self._profile = profile
        self._levels = levels
        self._ruling = ruling
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
        due = self.due(current, now, alerts.next) if current else []
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

    def due(self, partitions: Sequence[int], now: datetime, seq: int) -> list[Alert]:
        """The alerts that are due in these partitions, numbered from `seq` on; raises Unreachable or NotMigrated."""
        ruling, leading, levels = self._ruling(), self._profile.leading, self._levels
        with database(self._clickhouse) as client:
            cases = self._read_cases(client, partitions, now, self._horizons(client, now, ruling))
            registers = _registers(client, [case.dossier for case in cases if reached(case, levels, now)])
        return list(
            alerts_of(
                *(cases, levels, leading, now, seq),
                lambda case: grounds(case, registers.get(case.dossier), leading, now, ruling),
            )
        )

    def _horizons(self, client: Client, now: datetime, ruling: Ruling) -> Horizons:
        due_soon, agencies = self._profile.due_soon, ()
        if due_soon.unit == "working hours":
            agencies = tuple(agency for (agency,) in client.execute("SELECT DISTINCT agency FROM facts"))
        return horizons(due_soon.amount, due_soon.unit, now, agencies, ruling.calendar_of)

    def _read_cases(self, client: Client, partitions: Sequence[int], now: datetime, soon: Horizons) -> list[Case]:
        names = [level.name for level in self._levels]
        horizon = max(soon.latest if level.is_due_soon else now - level.after for level in self._levels)
        leading = self._profile.leading
        parameters = {
            "partitions": list(partitions),
            "complete": int(self._ends is not None and len(partitions) == len(self._ends)),
            "most": _DOSSIERS_PER_SCAN,
            "now": to_micros(now),
            "horizon": to_micros(horizon),
            "levels": names,
            "afters": [round(level.after.total_seconds()) for level in self._levels],
            "soon_level": names.index(DUE_SOON) + 1 if DUE_SOON in names else 0,
            # An agency has no empty code: there is always one pair.
            "agencies": ["", *soon.of_agency],
            "soon": [to_micros(soon.default), *map(to_micros, soon.of_agency.values())],
            "soon_default": to_micros(soon.default),
            "rule_prefix": f"{leading} v",
        }
        return [_case(*row) for row in client.execute(query("overdue", self._profile), parameters)]


def _case(
    dossier: str,
    agency: str,
    procedure: str,
    ended: str,
    sent: datetime | None,
    deadline: datetime | None,
    soon: datetime,
    level: str,
    *standing: Any,
) -> Case:
    alert = StandingAlert(level, *standing) if level else None
    return Case(dossier, agency, procedure, ended, sent, deadline, soon, alert)


def _registers(client: Client, dossiers: Sequence[str]) -> dict[str, bytes]:
    """The packed registers of these dossiers; raises what the driver does."""
    if not dossiers:
        return {}
    rows = client.execute(
        "SELECT dossier, registers FROM facts FINAL WHERE dossier IN asked",
        external_tables=external_table({"dossier": "String"}, ((dossier,) for dossier in dossiers)),
        settings={"strings_as_bytes": True},
    )
    return {dossier.decode(): registers for dossier, registers in rows}


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
