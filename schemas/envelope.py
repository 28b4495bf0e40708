"""Envelopes: the value of one Kafka record of `dossier-events`, 1 to 500 events of one partition as NDJSON.

Decoding is total: each line becomes an event whose every value fits its column, or a rejection with a reason, whatever
its bytes are. An invalid line does not affect the rest of its envelope. Decoded texts are in NFC, ids too: the
partition of a dossier is that of its id in NFC.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from schemas.events import Amended, AnyEvent, Event
from schemas.instant import truncated
from schemas.nfc import is_nfc_utf8, nfc, nfc_struct, nfc_tree

MAX_EVENTS = 500
"""Events a publisher puts into one envelope at most; a decoder takes up to MAX_LINES."""
MAX_LINES = 4096
MAX_EVENT_BYTES = 64 * 1024
FUTURE_TOLERANCE = timedelta(hours=1)
"""How far a source's clock may be ahead of the Kafka record's timestamp."""

RejectReason = Literal[
    "empty",
    "too_many_lines",
    "too_large",
    "malformed",
    "unknown_kind",
    "invalid",
    "future",
    "misplaced",
    "full",
    "unmapped",
]
"""Why a line is not counted: `misplaced` is an event of another partition than the record's, `full` one number more
than a dossier may have (MAX_NUMBERED), `unmapped` a foreign record that its mapping does not fit, the rest are plain.
"""


class Rejection(Struct, frozen=True):
    """A line that is not counted: its index in the envelope, why, the field and what is wrong, and its bytes."""

    line: int
    reason: RejectReason
    field: str
    detail: str
    content: bytes


class Decoded(Struct, frozen=True):
    """An envelope's events with their line indexes, in order, and the lines that were rejected."""

    events: list[tuple[int, AnyEvent]]
    rejections: list[Rejection]


_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_ENCODER = msgspec.json.Encoder()
_ANYTHING = msgspec.json.Decoder()
_ESCAPED_ASCII = re.compile(rb"\\u00(?:2[0de]|3[\da]|[4-7])", re.IGNORECASE)
"""Escapes that may hide an instant or the name of its field; JSON encoders escape other letters only."""


def encode_event(event: Event) -> bytes:
    """One event as a line of JSON, without the newline."""
    return _ENCODER.encode(event)


def encode(lines: Iterable[bytes]) -> bytes:
    """The envelope of these encoded events."""
    return b"\n".join(lines)


def decode_event(line: bytes) -> AnyEvent:
    """The event of one line, its text in NFC; raises msgspec.MsgspecError (or RecursionError on absurd nesting)."""
    if line.isascii() and b"\\" not in line:
        return _DECODER.decode(truncated(line))
    return nfc_struct(_DECODER.decode(truncated(_composed(line))))


def decode(value: bytes | None, published_at: datetime) -> Decoded:
    """Read an envelope; `published_at` is the record's own timestamp, by which "in the future" is judged."""
    horizon = published_at + FUTURE_TOLERANCE
    events = _decode_faultless(value, horizon) if value else None
    if events is not None:
        return Decoded(list(enumerate(events)), [])
    return _decode_lines(value, published_at, horizon)


def _decode_faultless(value: bytes, horizon: datetime) -> list[AnyEvent] | None:
    """The events of an envelope without an invalid line, decoded at once; None where lines must be decoded singly."""
    value = value.removesuffix(b"\n")
    lines = value.count(b"\n") + 1
    if lines > MAX_LINES or _has_long_line(value):
        return None
    try:
        events: list[AnyEvent] = _DECODER.decode_lines(truncated(value))
        # The decoder does not check fields that it skips, and escaped text must be decoded first.
        if not is_nfc_utf8(value) or (
            b"\\" in value and (_ESCAPED_ASCII.search(value) or not is_nfc_utf8(_ENCODER.encode_lines(events)))
        ):
            return None
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    # Only line ends between whole objects, and as many objects as lines: each line is an object.
    if len(events) != lines or value.count(b"}\n{") != lines - 1:
        return None
    for event in events:
        if event.occurred_at > horizon or (event.recorded_at or horizon) > horizon or event.__class__ is Amended:
            return None if any(_ahead(event, horizon) for event in events) else events
    return events


def _has_long_line(value: bytes) -> bool:
    """Whether a line has more bytes than are allowed."""
    half = MAX_EVENT_BYTES // 2
    # A line that is too long covers a whole half: where every half has a line end, no line is too long.
    halves = range(0, len(value) - half, half) if len(value) > MAX_EVENT_BYTES else ()
    return any(value.find(b"\n", at, at + half) < 0 for at in halves) and (
        max(map(len, value.split(b"\n"))) > MAX_EVENT_BYTES
    )


def _decode_lines(value: bytes | None, published_at: datetime, horizon: datetime) -> Decoded:
    decoded = Decoded([], [])
    lines = value.removesuffix(b"\n").split(b"\n") if value else []
    if not lines:
        decoded.rejections.append(Rejection(0, "empty", "", "the record has no value", b""))
    if len(lines) > MAX_LINES:
        detail = f"the envelope has {len(lines)} lines, {MAX_LINES} are allowed"
        decoded.rejections.append(Rejection(0, "too_many_lines", "", detail, value or b""))
        return decoded
    for index, line in enumerate(lines):
        if len(line) > MAX_EVENT_BYTES:
            detail = f"the event has {len(line)} bytes, {MAX_EVENT_BYTES} are allowed"
            decoded.rejections.append(Rejection(index, "too_large", "", detail, line))
            continue
        try:
            event = decode_event(line)
            line.decode()
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            decoded.rejections.append(_explain(index, line, error))
            continue
        if ahead := _ahead(event, horizon):
            at = getattr(event, ahead).isoformat()
            detail = f"{ahead} = {at} lies after the record's own time {published_at.isoformat()}"
            decoded.rejections.append(Rejection(index, "future", ahead, detail, line))
        else:
            decoded.events.append((index, event))
    return decoded


def _composed(line: bytes) -> bytes:
    """The line with its text in NFC, to which limits apply; unchanged where it cannot be decoded."""
    try:
        if b"\\" not in line:
            return line if is_nfc_utf8(line) else nfc(line.decode()).encode()
        # An escape may be a combining mark that composes with the letter before it.
        return _ENCODER.encode(nfc_tree(_ANYTHING.decode(line)))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return line


def _ahead(event: Event, horizon: datetime) -> str:
    """The field with a time after the horizon; empty where there is none."""
    if event.occurred_at > horizon:
        return "occurred_at"
    if event.recorded_at is not None and event.recorded_at > horizon:
        return "recorded_at"
    if isinstance(event, Amended) and event.received_at is not None and event.received_at > horizon:
        return "received_at"
    return ""


_PATH = re.compile(r" - at `\$\.(?P<field>\w+)`$")
_OWN = re.compile(r"^(?P<field>\w+) = | required field `(?P<missing>\w+)`$")


def _explain(index: int, line: bytes, error: Exception) -> Rejection:
    message = str(error)
    at = _PATH.search(message)
    detail = _plain(_PATH.sub("", message))
    if not isinstance(error, msgspec.ValidationError):
        return Rejection(index, "malformed", "", detail, line)
    if at is None:
        own = _OWN.search(message)
        return Rejection(index, "invalid", own[own.lastgroup or 0] if own else "", detail, line)
    field = at["field"]
    # A line that is invalid further on has no readable value: only the field is named then.
    with suppress(msgspec.MsgspecError, RecursionError, ValueError):
        detail = f"{detail}: {field} = {_ANYTHING.decode(line)[field]!r:.200}"
    return Rejection(index, "unknown_kind" if field == "kind" else "invalid", field, detail, line)


def _plain(message: str) -> str:
    """The message, truncated and without control characters: parts of it come from the sender."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in message[:300])[:300]
