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
from streams.storage.clickhouse import chunks, database, insert

WRITER = "dossier-alerts"
"""The transactional id of whoever writes the topic; the broker lets only the last one that began go on."""
_AT_ONCE = 1000


class AlertLog:
    """The log in the hands of its one writer; opening it takes it out of the hands of any other.

    An alert is in the topic before it is in the table. What a writer that was killed in between left behind is read
    back from the topic when the next one opens the log, so an alert is neither lost nor written twice. `append` raises
    Superseded once another has opened it. All raise Unreachable; the log must then be opened anew, since it is not
    known how far it came. With a `key` every alert is signed, and what is not signed does not get into the table. For
    one thread.
    """

    def __init__(self, kafka: KafkaConnection, clickhouse: ClickHouseConnection, key: Secret | None = None) -> None:
        self._key = key
        self._clickhouse = clickhouse
        self._kafka = kafka
        with topics.answered(kafka):
            self._producer = KafkaProducer(**kafka.options(), acks="all", transactional_id=WRITER, max_block_ms=30_000)
        try:
            with topics.answered(kafka):
                self._producer.init_transactions()
            self._next = self._follow()
        except BaseException:
            self.close()
            raise

    @property
    def next(self) -> int:
        """The number of the next alert."""
        return self._next

    def append(self, alerts: Sequence[Alert]) -> None:
        """Write them, numbered from `next`, to the topic, all or none of each thousand, and then to the table."""
        for some in chunks(alerts, _AT_ONCE):
            said = self._publish(some)
            with database(self._clickhouse) as client:
                _insert(client, said)
            self._next += len(some)

    def close(self) -> None:
        """Let go of the topic; a transaction that is open is aborted by the next writer."""
        self._producer.close(timeout=1)

    def _publish(self, alerts: Sequence[Alert]) -> list[tuple[int, Alert]]:
        """Each with the offset that it got."""
        try:
            with topics.answered(self._kafka):
                self._producer.begin_transaction()
                sent = [self._send(alert) for alert in alerts]
                self._producer.commit_transaction()
                return [(future.get(timeout=0).offset, alert) for future, alert in zip(sent, alerts, strict=True)]
        except Unreachable as error:
            # Only the call that was refused raises these; any after it names them in an error of no kind.
            if any(kind.__name__ in str(error) for kind in (ProducerFencedError, InvalidProducerEpochError)):
                raise Superseded("another worker watches for late dossiers now") from error
            raise

    def _send(self, alert: Alert) -> Any:
        value = encode_alert(alert)
        headers = [(SIGNATURE, sign(self._key, value))] if self._key else []
        return self._producer.send(ALERTS, value, key=alert.dossier.encode(), partition=0, headers=headers)

    def _follow(self) -> int:
        """Bring the table to the end of the topic; the number that comes next."""
        with database(self._clickhouse) as client:
            ((last, offset),) = client.execute("SELECT max(seq), argMax(offset, seq) FROM dossier_alerts")
            said = read_alerts(self._kafka, offset + 1 if last else 0, self._key)
            for some in chunks(((at, alert) for at, alert in said if alert.seq > last), _AT_ONCE):
                _insert(client, some)
                last = some[-1][1].seq
            return int(last) + 1


def _insert(client: Client, said: Iterable[tuple[int, Alert]]) -> None:
    insert(client, TABLE, [structs.asdict(alert) | {"offset": offset} for offset, alert in said])
