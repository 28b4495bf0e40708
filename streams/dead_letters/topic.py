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
"""Letters of a batch that are logged one by one: a flood of letters must not become a flood of lines."""
_MOST = MAX_DEAD_BYTES - 4096
"""What a value may take of the topic's limit, which counts the record around it too."""


def _fitting(letter: DeadLetter) -> bytes:
    """The encoded letter; a line too large for the topic stays in the table and in the record it came in."""
    value = encode_dead(letter)
    if len(value) <= _MOST:
        return value
    detail = f"{letter.detail} (the line has {len(letter.line_bytes)} bytes: see the table dead_letters)"
    return encode_dead(structs.replace(letter, content="", content_base64=None, detail=detail))


def _log(letters: Sequence[DeadLetter]) -> None:
    """Say where they are and why, never what is in them: it may be personal data."""
    for letter in letters[:_LOGGED]:
        place = {"topic": letter.topic, "partition": letter.partition, "offset": letter.offset, "line": letter.line}
        what = {"reason": letter.reason, "field": letter.field, "dossier": _dossier(letter)}
        log.warning("dead letter", extra=place | what)
    if (more := len(letters) - _LOGGED) > 0:
        log.warning("%d more dead letters in this batch", more, extra={"letters": more})


def _dossier(letter: DeadLetter) -> str:
    """The dossier of a line that is an event all the same, also of a dossier that is full; empty for any other."""
    try:
        return decode_event(letter.line_bytes).dossier
    except (MsgspecError, RecursionError, ValueError):
        return ""


class DeadLetterTopic:
    """Sends dead letters; connects at the first one, since most workers never have any. For one thread at a time."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._producer: KafkaProducer | None = None

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the broker has confirmed all of them, at least once each; retries for as long as it takes."""
        if not letters:
            return
        _log(letters)
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
