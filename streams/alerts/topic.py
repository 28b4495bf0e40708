"""Reading the topic `dossier-alerts`: the alerts that are in it, and new ones as they come."""

import hmac
import logging
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaTimeoutError
from msgspec import MsgspecError

from schemas.alerts import SIGNATURE, Alert, decode_alert, sign
from schemas.connection import KafkaConnection, Secret
from schemas.topics import ALERTS
from streams.broker import topics
from streams.broker.topic_reader import READ_COMMITTED, committed_reader, poll

log = logging.getLogger(__name__)

_PLACE = TopicPartition(ALERTS, 0)
_SILENT_SECONDS = 30.0
_AT_ONCE = 1000
_LONGEST_MILLISECONDS = 2_000_000_000


def read_alerts(
    kafka: KafkaConnection, start: int, key: Secret | None = None
) -> Generator[tuple[int, Alert], None, None]:
    """The committed alerts of the topic from an offset up to its present end, each with its offset.

    Where that offset is beyond the end, the topic was made anew and is read from its beginning. Records that are no
    alerts are skipped, and with a `key` those that are not signed with it. Raises Unreachable.
    """
    with committed_reader(kafka, reset="earliest") as consumer:
        consumer.assign([_PLACE])
        end = consumer.end_offsets([_PLACE])[_PLACE]
        if start > end:
            start = 0
        consumer.seek(_PLACE, start)
        last_record = time.monotonic()
        while consumer.position(_PLACE) < end:
            for records in poll(consumer, 200).values():
                last_record = time.monotonic()
                yield from _decoded(records, key)
            if time.monotonic() - last_record > _SILENT_SECONDS:
                raise KafkaTimeoutError(f"no records of {ALERTS} from offset {start} on for {_SILENT_SECONDS:.0f} s")


class AlertReader:
    """A consumer of new alerts, which hands each one out again until it is committed; for one thread.

    A new `group` begins at the end of the topic, or with `everything` at its beginning; afterwards it resumes. Of two
    readers of one group, the second waits until the first has left. With a `key`, alerts that are not signed with it
    are skipped. All methods raise Unreachable.
    """

    def __init__(
        self, kafka: KafkaConnection, group: str, *, everything: bool = False, key: Secret | None = None
    ) -> None:
        self._kafka = kafka
        self._key = key
        self._has_started = False
        with topics.translated_errors(kafka):
            self._consumer = KafkaConsumer(
                ALERTS,
                **kafka.options(),
                group_id=group,
                **READ_COMMITTED,
                auto_offset_reset="earliest" if everything else "latest",
                max_poll_records=_AT_ONCE,
                # A receiver may be away for days; heartbeats show that the reader is alive.
                max_poll_interval_ms=_LONGEST_MILLISECONDS,
            )

    def poll(self) -> list[Alert]:
        """The alerts that came within about a second."""
        with topics.translated_errors(self._kafka):
            found = poll(self._consumer, 1000)
            if not self._has_started and self._consumer.assignment():
                # Otherwise alerts that come while nobody reads would be skipped at the next start.
                self._consumer.commit({_PLACE: OffsetAndMetadata(self._first_offset(found), "", -1)})
                self._has_started = True
        return [alert for records in found.values() for _, alert in _decoded(records, self._key)]

    def commit(self) -> None:
        """Commit all alerts that were handed out: they do not come again."""
        with topics.translated_errors(self._kafka):
            self._consumer.commit()

    def close(self) -> None:
        """Leave the group; alerts that are not committed come again."""
        self._consumer.close(autocommit=False)

    def _first_offset(self, found: Mapping[TopicPartition, Sequence[Any]]) -> int:
        records = found.get(_PLACE)
        offset: int = records[0].offset if records else self._consumer.position(_PLACE)
        return offset


def _decoded(records: Iterable[Any], key: Secret | None) -> Iterator[tuple[int, Alert]]:
    for record in records:
        value = record.value or b""
        try:
            alert = decode_alert(value)
        except MsgspecError as error:
            reason = str(error)
        else:
            reason = _why_forged(record, alert, value, key)
        if reason:
            log.warning(
                "a record is no valid alert, it is skipped",
                extra={"topic": ALERTS, "offset": record.offset, "reason": reason},
            )
        else:
            yield record.offset, alert


def _why_forged(record: Any, alert: Alert, value: bytes, key: Secret | None) -> str:
    """Why no worker can have written this record; empty where one may have."""
    if record.key != alert.dossier.encode():
        return "its key is not its dossier"
    if key:
        expected = sign(key, value)
        if not any(name == SIGNATURE and hmac.compare_digest(found or b"", expected) for name, found in record.headers):
            return "it is not signed with DOSSIER_ALERT_KEY"
    return ""
