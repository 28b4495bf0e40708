"""The registers of a case: a join-semilattice, so that the order of its events never matters.

Each register keeps the record with the greatest (recorded_at, seq, id). Merging is therefore commutative, associative
and idempotent: duplicates, reordering, corrections and events late by months give the same registers.

A feedback has registers of its own: one that came with a dossier's id takes nothing from the dossier.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from schemas.events import KINDS, PAYLOAD_FIELDS, Event, Value
from schemas.official_code import payload_getter

Register: TypeAlias = tuple[int, int, str, str, int, tuple[Any, ...]]
"""(recorded, seq, event id, kind, occurred, Payload of the kind); times are microseconds."""
Registers: TypeAlias = Mapping[str, Register]

_SINGLE = {
    "received": "intake",
    "feedback_received": "feedback",
    "progressed": "progress",
    "assigned": "assignment",
    "transferred": "assignment",
    "term_set": "term",
    "resolved": "outcome",
    "withdrawn": "outcome",
    "refused": "outcome",
    "stopped": "outcome",
    "reopened": "outcome",
    "feedback_answered": "reply",
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
_SEVERAL = {kind: (name, PAYLOAD_FIELDS[kind].index("number")) for kind, name in _NUMBERED.items()} | {
    kind: (name, PAYLOAD_FIELDS[kind].index("transaction")) for kind, name in _BY_TRANSACTION.items()
}
"""The registers that a case may have several of, and the place in the payload of the key that distinguishes them."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def register_of(event: Event) -> Register:
    """The record of this event, as its register keeps it."""
    kind, payload_of = _PAYLOADS[event.__class__]
    occurred = (event.occurred_at - _EPOCH) // _MICROSECOND
    recorded_at = event.recorded_at
    recorded = occurred if recorded_at is None else (recorded_at - _EPOCH) // _MICROSECOND
    return recorded, event.seq, event.id, kind, occurred, payload_of(event)


def numbered_key(register: Register) -> str | None:
    """The key of this record's register where a case may have several of the kind, by number or transaction."""
    several = _SEVERAL.get(register[3])
    return f"{several[0]}:{register[5][several[1]]}" if several else None


def is_numbered(key: str) -> bool:
    """Whether this register is one of several."""
    return ":" in key and not key.startswith("amended:")


def updates(registers: Registers, register: Register) -> tuple[tuple[str, Register], ...]:
    """What merging this record changes: the keys of the registers in which it prevails, each with its new record."""
    kind = register[3]
    key = _SINGLE.get(kind)
    if key is None:
        if kind == "amended":
            return tuple(
                (key, amendment)
                for key, amendment in _amendments(register)
                if (current := registers.get(key)) is None or prevails(amendment, current)
            )
        name, place = _SEVERAL[kind]
        key = f"{name}:{register[5][place]}"
    current = registers.get(key)
    return ((key, register),) if current is None or prevails(register, current) else ()


def fold(registers: Registers, event: Event) -> Registers:
    """The registers after this event; the very same object where it changes nothing."""
    changed = updates(registers, register_of(event))
    return {**registers, **dict(changed)} if changed else registers


def merged(events: Iterable[Event]) -> Registers:
    """The registers after all of these events."""
    registers: dict[str, Register] = {}
    for event in events:
        registers.update(updates(registers, register_of(event)))
    return registers


def reception(registers: Registers) -> Register | None:
    """The reception of the case: as a dossier, whatever else came with its id, or else as a feedback."""
    return registers.get("intake") or registers.get("feedback")


def outcome(registers: Registers) -> Register | None:
    """The record that holds of how the case ended; an answer ends a feedback, but no dossier."""
    ended, reply = registers.get("outcome"), registers.get("reply")
    if reply is None or "intake" in registers:
        return ended
    return reply if ended is None or prevails(reply, ended) else ended


def pack(registers: Registers) -> bytes:
    """The registers as bytes, equal for equal registers."""
    return _SORTED.encode(registers)


def unpack(state: bytes) -> dict[str, Register]:
    """The registers of these bytes; raises msgspec.DecodeError on others."""
    return _DECODER.decode(state)


_ENCODER = msgspec.msgpack.Encoder()
_SORTED = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: msgspec.msgpack.Decoder[dict[str, Register]] = msgspec.msgpack.Decoder(dict[str, Register])


def prevails(register: Register, current: Register) -> bool:
    """Whether the record replaces another one of the same register."""
    if register[:3] != current[:3]:
        return register[:3] > current[:3]
    # One id with two contents: any total order is right, as long as it is the same everywhere.
    return _ENCODER.encode(register) > _ENCODER.encode(current)


def _amendments(register: Register) -> Iterator[tuple[str, Register]]:
    """A record for each field that is amended: each is merged by itself."""
    for field, value in zip(PAYLOAD_FIELDS["amended"], register[5], strict=True):
        if value is not None:
            yield f"amended:{field}", (*register[:5], (value,))


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _payload_getter(kind: str, fields: tuple[str, ...]) -> tuple[str, Callable[[Any], tuple[Value, ...]]]:
    """The kind, and the function that gives the payload of an event of it."""
    if fields == ("term",):
        return kind, lambda event: (_micros(event.term),)
    if fields[-1:] == ("official",):
        return kind, payload_getter(fields)
    if len(fields) < 2 or not {"term", "received_at"}.isdisjoint(fields):
        return kind, lambda event: tuple([_plain(getattr(event, field)) for field in fields])
    return kind, attrgetter(*fields)


def _plain(value: Any) -> Value:
    return _micros(value) if isinstance(value, datetime) else value


_PAYLOADS = {struct: _payload_getter(kind, PAYLOAD_FIELDS[kind]) for kind, struct in KINDS.items()}
