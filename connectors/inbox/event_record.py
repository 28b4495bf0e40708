"""Reads a record of `dossier-inbox`: one event, an array of events, or an envelope of one event a line."""

from datetime import datetime

import msgspec

from connectors.inbox.put_aside import as_put_aside
from schemas.envelope import MAX_EVENT_BYTES, MAX_LINES, Decoded, Rejection, decode, encode, encode_event
from schemas.events import AnyEvent

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE = msgspec.json.Decoder(msgspec.Raw)
_LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")
"""Between the tokens of JSON a line end is a space, and inside a text none may stand."""


def events_of_record(value: bytes | None, published_at: datetime) -> Decoded:
    """The events of a record, by their number in it, and what cannot be one; total, whatever the bytes are.

    `published_at` is the record's own timestamp, by which "in the future" is judged. A record of more than MAX_LINES
    events is rejected as a whole, its content one event a line.
    """
    lines = lines_of(value)
    if len(lines) > MAX_LINES:
        detail = f"the record has {len(lines)} events, {MAX_LINES} are allowed"
        return Decoded([], [Rejection(0, "too_many_lines", "", detail, encode(lines))])
    decoded = decode(encode(lines), published_at)
    if decoded.rejections:
        decoded = Decoded(decoded.events, [as_put_aside(each) for each in decoded.rejections])
    return decoded if value is None or value.isascii() else _without_long_ones(decoded)


def lines_of(value: bytes | None) -> list[bytes]:
    """The lines of a record: the items of an array, the one value of any other JSON, or else the lines as they are."""
    stripped = (value or b"").strip()
    try:
        items = _ITEMS.decode(stripped) if stripped.startswith(b"[") else [_VALUE.decode(stripped)]
    except (msgspec.MsgspecError, RecursionError):
        return stripped.split(b"\n") if stripped else []
    return [bytes(item).strip().translate(_LINE_ENDS) for item in items]


def _without_long_ones(decoded: Decoded) -> Decoded:
    """Events that are too long to be published in NFC are rejected: normalising can make text longer."""
    fitting: list[tuple[int, AnyEvent]] = []
    rejections = list(decoded.rejections)
    for number, event in decoded.events:
        line = encode_event(event)
        if len(line) <= MAX_EVENT_BYTES:
            fitting.append((number, event))
            continue
        detail = f"the event has {len(line)} bytes in NFC, {MAX_EVENT_BYTES} are allowed"
        rejections.append(Rejection(number, "too_large", "", detail, line))
    return Decoded(fitting, rejections)
