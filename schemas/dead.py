"""Dead letters: lines that could not be counted, as they travel on `dossier-events-dead`."""

import base64

import msgspec
from msgspec import Struct

from schemas.envelope import Rejection, RejectReason
from schemas.instant import Instant


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of one record that is not counted, and why; nothing of the line is lost.

    `content` holds the line where it is UTF-8, else `content_base64` does. `line` is its index in the envelope, from 0.
    """

    topic: str
    partition: int
    offset: int
    line: int
    reason: RejectReason
    field: str
    detail: str
    published_at: Instant
    content: str | None = None
    content_base64: str | None = None

    @property
    def line_bytes(self) -> bytes:
        """The line itself, as it came."""
        if self.content is not None:
            return self.content.encode()
        return base64.b64decode(self.content_base64 or "")


def dead_letter(topic: str, partition: int, offset: int, published_at: Instant, rejection: Rejection) -> DeadLetter:
    """The dead letter of a rejected line of the record at this place."""
    text: str | None
    try:
        text, coded = rejection.content.decode(), None
    except UnicodeDecodeError:
        text, coded = None, base64.b64encode(rejection.content).decode()
    return DeadLetter(
        topic=topic,
        partition=partition,
        offset=offset,
        line=rejection.line,
        reason=rejection.reason,
        field=rejection.field,
        detail=rejection.detail,
        published_at=published_at,
        content=text,
        content_base64=coded,
    )


def encode_dead(letter: DeadLetter) -> bytes:
    """The letter as the value of a Kafka record."""
    return msgspec.json.encode(letter)


def decode_dead(value: bytes) -> DeadLetter:
    """The letter in the value of a Kafka record; raises msgspec.MsgspecError on anything else."""
    return msgspec.json.decode(value, type=DeadLetter)
