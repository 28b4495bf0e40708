"""Reading the topic `dossier-alerts`: what is in it, and what comes."""

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
from streams.broker.topic_reader import COMMITTED, committed_reader, poll

log = logging.getLogger(__name__)

_PLACE = TopicPartition(ALERTS, 0)
_SILENT_SECONDS = 30.0
_AT_ONCE = 1000
_LONGEST_MILLISECONDS = 2_000_000_000


def read_alerts(
    kafka: KafkaConnection, start: int, key: Secret | None = None
) -> Generator[tuple[int, Alert], None, None]:
    """The committed alerts of the topic from an offset up to its present end, each with its offset.

    From its beginning where that offset is beyond its end: the topic was made anew. A record that is no alert, or with
    a `key` is not signed with it, is passed over. Raises Unreachable.
    """
    with committed_reader(kafka, reset="earliest") as consumer:
        consumer.assign([_PLACE])
        end = consumer.end_offsets([_PLACE])[_PLACE]
        if start > end:
            start = 0
        consumer.seek(_PLACE, start)
        heard = time.monotonic()
        while consumer.position(_PLACE) < end:
            for records in poll(consumer, 200).values():
                heard = time.monotonic()
                yield from _decoded(records, key)
            if time.monotonic() - heard > _SILENT_SECONDS:
                raise KafkaTimeoutError(f"no records of {ALERTS} from offset {start} on for {_SILENT_SECONDS:.0f} s")


class NewAlerts:
    """The alerts that come from now on, each handed out until it is done with; for one thread.

    `group` remembers how far it is; at its first start it begins at the end, or with `everything` at the beginning.
    Of two readers of one group the second waits for the first to go. With a `key`, what is not signed with it is passed
    over. Raises Unreachable.
    """

    def __init__(
        self, kafka: KafkaConnection, group: str, *, everything: bool = False, key: Secret | None = None
    ) -> None:
        self._kafka = kafka
        self._key = key
        self._begun = False
        with topics.answered(kafka):
            self._consumer = KafkaConsumer(
                ALERTS,
                **kafka.options(),
                group_id=group,
                **COMMITTED,
                auto_offset_reset="earliest" if everything else "latest",
                max_poll_records=_AT_ONCE,
                # Whoever takes them may be away for days; heartbeats say that the reader is not.
                max_poll_interval_ms=_LONGEST_MILLISECONDS,
            )

    def take(self) -> list[Alert]:
        """Those that came, within about a second; none where none did."""
        with topics.answered(self._kafka):
            found = poll(self._consumer, 1000)
            if not self._begun and self._consumer.assignment():
                # Or what comes while nobody reads would be passed over at the next start.
                self._consumer.commit({_PLACE: OffsetAndMetadata(self._start(found), "", -1)})
                self._begun = True
        return [alert for records in found.values() for _, alert in _decoded(records, self._key)]

    def done(self) -> None:
        """All that was taken is done with, and not handed out again."""
        with topics.answered(self._kafka):
            self._consumer.commit()

    def close(self) -> None:
        """Leave the group; what was taken and is not done with comes again."""
        self._consumer.close(autocommit=False)

    def _start(self, found: Mapping[TopicPartition, Sequence[Any]]) -> int:
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
            reason = _forged(record, alert, value, key)
        if reason:
            log.warning("no alert", extra={"topic": ALERTS, "offset": record.offset, "reason": reason})
        else:
            yield record.offset, alert


def _forged(record: Any, alert: Alert, value: bytes, key: Secret | None) -> str:
    """Why no worker can have written this; empty where one may have."""
    if record.key != alert.dossier.encode():
        return "its key is not its dossier"
    if key:
        right = sign(key, value)
        if not any(name == SIGNATURE and hmac.compare_digest(said or b"", right) for name, said in record.headers):
            return "it is not signed with DOSSIER_ALERT_KEY"
    return ""
