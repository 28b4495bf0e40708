"""Dead letters: lines that could not be counted, as records of `dossier-events-dead`."""

import re
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from schemas.envelope import Rejection, RejectReason

_SIXFOLD = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")
"""Characters that JSON escapes as six: a record full of them would be too large for the topic as text."""


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of one record that is not counted, and why; nothing of the line is lost.

    Exactly one of `content` and `content_base64` is there. Where the record as a whole cannot be read (`empty`,
    `too_many_lines`), the line is 0 and the content all of it.
    """

    topic: Annotated[str, Meta(description="The topic it was read from")]
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0, description="The record's offset in its partition")]
    line: Annotated[int, Meta(ge=0, description="Index of the line in the envelope, from 0")]
    reason: RejectReason
    field: Annotated[str, Meta(description="The field that is wrong; empty where the line is, or not one field alone")]
    detail: Annotated[str, Meta(description="What is wrong, for a person to read")]
    published_at: Annotated[datetime, Meta(tz=True, description="The record's own timestamp")]
    content: Annotated[str, Meta(description="The line, where it is UTF-8 without control characters")] | None = None
    content_base64: Annotated[bytes, Meta(description="The line's bytes in base64, where it is not")] | None = None

    @property
    def line_bytes(self) -> bytes:
        """The line itself, as it came."""
        return self.content_base64 if self.content_base64 is not None else (self.content or "").encode()

    def __post_init__(self) -> None:
        if (self.content is None) == (self.content_base64 is None):
            raise ValueError("a dead letter has either content or content_base64")


def dead_letter(topic: str, partition: int, offset: int, published_at: datetime, rejection: Rejection) -> DeadLetter:
    """The dead letter of a rejected line of the record at this place."""
    text = _text(rejection.content)
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
        content_base64=rejection.content if text is None else None,
    )


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if _SIXFOLD.search(text) else text


def encode_dead(letter: DeadLetter) -> bytes:
    """The letter as the value of a Kafka record."""
    return msgspec.json.encode(letter)


def decode_dead(value: bytes) -> DeadLetter:
    """The letter in the value of a Kafka record; raises msgspec.MsgspecError on anything else."""
    try:
        return msgspec.json.decode(value, type=DeadLetter)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from error
