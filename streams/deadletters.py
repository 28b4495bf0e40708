"""The dead-letter topic: lines that cannot be counted, confirmed there before their record is acknowledged."""

import logging
import time
from collections.abc import Sequence

from kafka import KafkaProducer
from kafka.errors import KafkaError
from msgspec import structs

from schemas.connection import KafkaConnection
from schemas.dead import DeadLetter, encode_dead
from schemas.topics import DEAD, MAX_DEAD_BYTES

log = logging.getLogger(__name__)


_MOST = MAX_DEAD_BYTES - 4096
"""What a value may take of the topic's limit, which counts the record around it too."""


def _fitting(letter: DeadLetter) -> bytes:
    """The encoded letter; a line too large for the topic stays in the table and in the record it came in."""
    value = encode_dead(letter)
    if len(value) <= _MOST:
        return value
    detail = f"{letter.detail} (the line has {len(letter.line_bytes)} bytes: see the table dead_letters)"
    return encode_dead(structs.replace(letter, content="", content_base64=None, detail=detail))


class DeadLetterTopic:
    """Sends dead letters; connects at the first one, since most workers never have any. For one thread at a time."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._producer: KafkaProducer | None = None

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the broker has confirmed all of them, at least once each; retries for as long as it takes."""
        if not letters:
            return
        for letter in letters:
            log.warning(
                "dead letter: %s %s[%d]@%d line %d: %s",
                letter.reason,
                letter.topic,
                letter.partition,
                letter.offset,
                letter.line,
                letter.detail,
            )
        values = [_fitting(letter) for letter in letters]
        pause = 0.1
        while True:
            try:
                self._deliver(values)
            except KafkaError as error:
                log.warning("sending %d dead letters is repeated: %s", len(values), error)
                self.close()
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                return

    def close(self) -> None:
        """Drop the connection; the next letter makes a new one."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            producer.close(timeout=5)

    def _deliver(self, values: list[bytes]) -> None:
        if self._producer is None:
            self._producer = KafkaProducer(**self._kafka.options(), acks="all", max_request_size=MAX_DEAD_BYTES)
        futures = [self._producer.send(DEAD, value) for value in values]
        self._producer.flush()
        for future in futures:
            future.get(timeout=30)
