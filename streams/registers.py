"""The registers of a case: a join-semilattice of what its events said, so that their order never matters.

Each register keeps the record with the greatest (recorded_at, seq, id). Folding is therefore commutative, associative
and idempotent: duplicates, reordering, corrections and events late by months give the same registers.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec

from schemas.events import PAYLOAD_FIELDS, Amended, Event
from schemas.instant import to_micros

Value: TypeAlias = str | int | bool | None
Register: TypeAlias = tuple[int, int, str, str, int, tuple[Value, ...]]
"""(recorded, seq, event id, kind, occurred, payload in the order of the kind's fields); times are microseconds."""
Registers: TypeAlias = Mapping[str, Register]

_SINGLE = {
    "received": "intake",
    "feedback_received": "intake",
    "progressed": "progress",
    "assigned": "assignment",
    "transferred": "assignment",
    "term_set": "term",
    "resolved": "outcome",
    "withdrawn": "outcome",
    "refused": "outcome",
    "stopped": "outcome",
    "reopened": "outcome",
    "feedback_answered": "outcome",
    "returned": "return",
    "digitised": "digitisation",
    "rated": "rating",
    "voided": "void",
}
_NUMBERED = {
    "extended": "extension",
    "supplement_requested": "supplement",
    "supplement_answered": "answer",
    "obligation_set": "obligation",
    "obligation_met": "settlement",
    "paused": "pause",
    "resumed": "resumption",
}
_BY_TRANSACTION = {"paid": "payment", "refunded": "refund"}


def placed(event: Event) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """The registers this event speaks for, each with the payload it would put there."""
    kind = str(event.__struct_config__.tag)
    fields = PAYLOAD_FIELDS[kind]
    if isinstance(event, Amended):
        for field in fields:
            value = _plain(getattr(event, field))
            if value is not None:
                yield f"amended:{field}", (value,)
        return
    payload = tuple([_plain(getattr(event, field)) for field in fields])
    if kind in _SINGLE:
        yield _SINGLE[kind], payload
    elif kind in _NUMBERED:
        yield f"{_NUMBERED[kind]}:{event.number}", payload  # type: ignore[attr-defined]  # these kinds have a number
    else:
        yield f"{_BY_TRANSACTION[kind]}:{event.transaction}", payload  # type: ignore[attr-defined]  # and these one


def fold(registers: Registers, event: Event) -> Registers:
    """The registers after this event; the very same object where it changes nothing."""
    recorded = to_micros(event.recorded_at or event.occurred_at)
    occurred = to_micros(event.occurred_at)
    kind = str(event.__struct_config__.tag)
    changed: dict[str, Register] | None = None
    for key, payload in placed(event):
        said: Register = (recorded, event.seq, event.id, kind, occurred, payload)
        held = registers.get(key)
        if held is None or _prevails(said, held):
            changed = changed if changed is not None else dict(registers)
            changed[key] = said
    return registers if changed is None else changed


def pack(registers: Registers) -> bytes:
    """The registers as bytes, equal for equal registers."""
    return _ENCODER.encode(dict(sorted(registers.items())))


def unpack(state: bytes) -> Registers:
    """The registers of these bytes; raises msgspec.DecodeError on others."""
    return _DECODER.decode(state)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[dict[str, Register]] = msgspec.msgpack.Decoder(dict[str, Register])


def _prevails(said: Register, held: Register) -> bool:
    if said[:3] != held[:3]:
        return said[:3] > held[:3]
    # One id with two contents: any total order will do, as long as it is the same everywhere.
    return _ENCODER.encode(said) > _ENCODER.encode(held)


def _plain(value: object) -> Value:
    return to_micros(value) if isinstance(value, datetime) else value  # type: ignore[return-value]  # fields are plain
