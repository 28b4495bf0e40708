"""Reading the topic `dossier-alerts`: what is in it, and what comes."""

import logging
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaTimeoutError
from msgspec import MsgspecError

from schemas.alerts import Alert, decode_alert
from schemas.connection import KafkaConnection
from schemas.topics import ALERTS
from streams import topics
from streams.reading import COMMITTED, committed_reader, poll

log = logging.getLogger(__name__)

_PLACE = TopicPartition(ALERTS, 0)
_SILENT_SECONDS = 30.0
_AT_ONCE = 1000
_LONGEST_MILLISECONDS = 2_000_000_000


def read_alerts(kafka: KafkaConnection, start: int) -> Generator[tuple[int, Alert], None, None]:
    """The committed alerts of the topic from an offset up to its present end, each with its offset.

    From its beginning where that offset is beyond its end: the topic was made anew. A record that is no alert is
    passed over. Raises Unreachable.
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
                yield from _decoded(records)
            if time.monotonic() - heard > _SILENT_SECONDS:
                raise KafkaTimeoutError(f"no records of {ALERTS} from offset {start} on for {_SILENT_SECONDS:.0f} s")


class NewAlerts:
    """The alerts that come from now on, each handed out until it is done with; for one thread.

    `group` remembers how far it is; at its first start it begins at the end, or with `everything` at the beginning.
    Of two readers of one group the second waits for the first to go. Raises Unreachable.
    """

    def __init__(self, kafka: KafkaConnection, group: str, *, everything: bool = False) -> None:
        self._kafka = kafka
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
        return [alert for records in found.values() for _, alert in _decoded(records)]

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


def _decoded(records: Iterable[Any]) -> Iterator[tuple[int, Alert]]:
    for record in records:
        try:
            yield record.offset, decode_alert(record.value)
        except MsgspecError as error:
            log.warning("no alert", extra={"topic": ALERTS, "offset": record.offset, "reason": str(error)})
