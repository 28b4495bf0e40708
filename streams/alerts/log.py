"""The log of alerts: the topic `dossier-alerts`, and the table `dossier_alerts` that follows it."""

from collections.abc import Iterable, Sequence
from typing import Any

from clickhouse_driver import Client
from kafka import KafkaProducer
from kafka.errors import InvalidProducerEpochError, ProducerFencedError
from msgspec import structs

from schemas.alerts import SIGNATURE, Alert, encode_alert, sign
from schemas.connection import ClickHouseConnection, KafkaConnection, Secret
from schemas.tables import ALERTS as TABLE
from schemas.topics import ALERTS
from streams.alerts.topic import read_alerts
from streams.broker import topics
from streams.errors import Superseded, Unreachable
from streams.storage.clickhouse_client import chunks, database, insert

WRITER = "dossier-alerts"
"""The transactional id of the writer of the topic; the broker fences off all but the last one that opened it."""
_AT_ONCE = 1000


class AlertLog:
    """The log, opened by its one writer; opening it fences off any other writer.

    An alert is written to the topic before the table. On start-up the new writer reads from the topic whatever the
    table is missing, so no alert is lost or written twice. `append` raises Superseded once another writer has opened
    the log. All methods raise Unreachable; then the log must be opened again, as the last write is uncertain. With a
    `key`, every alert is signed, and alerts without a valid signature do not get into the table. For one thread.
    """

    def __init__(self, kafka: KafkaConnection, clickhouse: ClickHouseConnection, key: Secret | None = None) -> None:
        self._key = key
        self._clickhouse = clickhouse
        self._kafka = kafka
        with topics.translated_errors(kafka):
            self._producer = KafkaProducer(**kafka.options(), acks="all", transactional_id=WRITER, max_block_ms=30_000)
        try:
            with topics.translated_errors(kafka):
                self._producer.init_transactions()
            self._next = self._catch_up()
        except BaseException:
            self.close()
            raise

    @property
    def next(self) -> int:
        """The number of the next alert."""
        return self._next

    def append(self, alerts: Sequence[Alert]) -> None:
        """Write alerts, numbered from `next`, to the topic, all or none of each thousand, and then to the table."""
        for part in chunks(alerts, _AT_ONCE):
            published = self._publish(part)
            with database(self._clickhouse) as client:
                _insert(client, published)
            self._next += len(part)

    def close(self) -> None:
        """Close the producer; the next writer aborts a transaction that is still open."""
        self._producer.close(timeout=1)

    def _publish(self, alerts: Sequence[Alert]) -> list[tuple[int, Alert]]:
        """Publish in one transaction; returns each alert with its offset."""
        try:
            with topics.translated_errors(self._kafka):
                self._producer.begin_transaction()
                sent = [self._send(alert) for alert in alerts]
                self._producer.commit_transaction()
                return [(future.get(timeout=0).offset, alert) for future, alert in zip(sent, alerts, strict=True)]
        except Unreachable as error:
            # Only the refused call raises these; later calls raise a general error that names them.
            if any(kind.__name__ in str(error) for kind in (ProducerFencedError, InvalidProducerEpochError)):
                raise Superseded("another worker scans for late dossiers now") from error
            raise

    def _send(self, alert: Alert) -> Any:
        value = encode_alert(alert)
        headers = [(SIGNATURE, sign(self._key, value))] if self._key else []
        return self._producer.send(ALERTS, value, key=alert.dossier.encode(), partition=0, headers=headers)

    def _catch_up(self) -> int:
        """Insert the alerts that the table is missing; returns the next number."""
        with database(self._clickhouse) as client:
            ((last, offset),) = client.execute("SELECT max(seq), argMax(offset, seq) FROM dossier_alerts")
            published = read_alerts(self._kafka, offset + 1 if last else 0, self._key)
            for part in chunks(((at, alert) for at, alert in published if alert.seq > last), _AT_ONCE):
                _insert(client, part)
                last = part[-1][1].seq
            return int(last) + 1


def _insert(client: Client, published: Iterable[tuple[int, Alert]]) -> None:
    insert(client, TABLE, [structs.asdict(alert) | {"offset": offset} for offset, alert in published])
