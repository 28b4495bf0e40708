"""The dead-letter topic: lines that cannot be counted, confirmed there before their record is acknowledged."""

import logging
import time
from collections.abc import Sequence

from kafka import KafkaProducer
from kafka.errors import KafkaError
from msgspec import MsgspecError, structs

from schemas.connection import KafkaConnection
from schemas.dead_letter import DeadLetter, encode_dead
from schemas.envelope import decode_event
from schemas.topics import DEAD, MAX_DEAD_BYTES

log = logging.getLogger(__name__)

_LOGGED = 5
"""How many dead letters of a batch are logged one by one."""
_MOST_BYTES = MAX_DEAD_BYTES - 4096
"""The most bytes of a value; the topic's limit includes the record around it."""


def encoded(dead_letter: DeadLetter) -> bytes:
    """The encoded dead letter, without its content where that is too large: the table and the source record have it."""
    value = encode_dead(dead_letter)
    if len(value) <= _MOST_BYTES:
        return value
    detail = f"{dead_letter.detail} (the line has {len(dead_letter.line_bytes)} bytes: see the table dead_letters)"
    return encode_dead(structs.replace(dead_letter, content="", content_base64=None, detail=detail))


def log_letters(dead_letters: Sequence[DeadLetter]) -> None:
    """Log where they are and why, never their content, which may be personal data."""
    for dead_letter in dead_letters[:_LOGGED]:
        place = {name: getattr(dead_letter, name) for name in ("topic", "partition", "offset", "line")}
        why = {"reason": dead_letter.reason, "field": dead_letter.field, "dossier": _dossier(dead_letter)}
        log.warning("dead letter", extra=place | why)
    if (more := len(dead_letters) - _LOGGED) > 0:
        log.warning("%d more dead letters in this batch", more, extra={"letters": more})


def _dossier(dead_letter: DeadLetter) -> str:
    """The dossier of a line that is a valid event, as of a full dossier; empty for any other line."""
    try:
        return decode_event(dead_letter.line_bytes).dossier
    except (MsgspecError, RecursionError, ValueError):
        return ""


class DeadLetterTopic:
    """Sends dead letters. It connects at the first one, as most workers have none. For one thread at a time."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._producer: KafkaProducer | None = None

    def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Return when the broker has confirmed all, each at least once; retries for as long as it takes."""
        if not dead_letters:
            return
        log_letters(dead_letters)
        values = [encoded(dead_letter) for dead_letter in dead_letters]
        pause = 0.1
        while True:
            try:
                self._deliver(values)
            except KafkaError as error:
                log.warning("sending %d dead letters failed, it is retried: %s", len(values), error)
                self.close()
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                return

    def close(self) -> None:
        """Close the connection; the next dead letter opens a new one."""
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
