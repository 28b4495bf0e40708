"""The registers of a case: a join-semilattice of what its events said, so that their order never matters.

Each register keeps the record with the greatest (recorded_at, seq, id). Folding is therefore commutative, associative
and idempotent: duplicates, reordering, corrections and events late by months give the same registers.

What is said of a feedback has registers of its own: a feedback that came with a dossier's id takes nothing from it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from schemas.events import KINDS, PAYLOAD_FIELDS, Event

Value: TypeAlias = str | int | bool | None
Register: TypeAlias = tuple[int, int, str, str, int, tuple[Any, ...]]
"""(recorded, seq, event id, kind, occurred, payload in the order of the kind's fields); times are microseconds.

What a payload holds are Values, of the types of the kind's fields.
"""
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
"""Registers that a case has several of, and the place in the payload of what tells them apart."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def register_of(event: Event) -> Register:
    """The record that the event would put into its register."""
    kind, payload_of = _SPOKEN[event.__class__]
    occurred = (event.occurred_at - _EPOCH) // _MICROSECOND
    recorded_at = event.recorded_at
    recorded = occurred if recorded_at is None else (recorded_at - _EPOCH) // _MICROSECOND
    return recorded, event.seq, event.id, kind, occurred, payload_of(event)


def numbered_key(said: Register) -> str | None:
    """The register of this record where a case has several of its kind, told apart by a number or a transaction."""
    several = _SEVERAL.get(said[3])
    return f"{several[0]}:{said[5][several[1]]}" if several else None


def is_numbered(key: str) -> bool:
    """Whether this register is one of several."""
    return ":" in key and not key.startswith("amended:")


def news(registers: Registers, said: Register) -> tuple[tuple[str, Register], ...]:
    """What this record changes: the registers in which it prevails, each with what it puts there."""
    kind = said[3]
    key = _SINGLE.get(kind)
    if key is None:
        if kind == "amended":
            return tuple(
                (key, amendment)
                for key, amendment in _amendments(said)
                if (held := registers.get(key)) is None or prevails(amendment, held)
            )
        name, place = _SEVERAL[kind]
        key = f"{name}:{said[5][place]}"
    held = registers.get(key)
    return ((key, said),) if held is None or prevails(said, held) else ()


def fold(registers: Registers, event: Event) -> Registers:
    """The registers after this event; the very same object where it changes nothing."""
    changed = news(registers, register_of(event))
    return {**registers, **dict(changed)} if changed else registers


def joined(events: Iterable[Event]) -> Registers:
    """The registers after all of these events."""
    registers: dict[str, Register] = {}
    for event in events:
        registers.update(news(registers, register_of(event)))
    return registers


def reception(registers: Registers) -> Register | None:
    """What the case was received as: a dossier, whatever else was said with its id, or else a feedback."""
    return registers.get("intake") or registers.get("feedback")


def outcome(registers: Registers) -> Register | None:
    """The last word on how the case ended; an answer ends a feedback, and no dossier."""
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


def prevails(said: Register, held: Register) -> bool:
    """Whether the record holds against another of the same thing."""
    if said[:3] != held[:3]:
        return said[:3] > held[:3]
    # One id with two contents: any total order will do, as long as it is the same everywhere.
    return _ENCODER.encode(said) > _ENCODER.encode(held)


def _amendments(said: Register) -> Iterator[tuple[str, Register]]:
    """A record for each field that is amended: they prevail one by one."""
    for field, value in zip(PAYLOAD_FIELDS["amended"], said[5], strict=True):
        if value is not None:
            yield f"amended:{field}", (*said[:5], (value,))


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _spoken(kind: str, fields: tuple[str, ...]) -> tuple[str, Callable[[Any], tuple[Value, ...]]]:
    """The kind, and what gives the payload of an event of it."""
    if fields == ("term",):
        return kind, lambda event: (_micros(event.term),)
    if len(fields) < 2 or not {"term", "received_at"}.isdisjoint(fields):
        return kind, lambda event: tuple([_plain(getattr(event, field)) for field in fields])
    return kind, attrgetter(*fields)


def _plain(value: Any) -> Value:
    return _micros(value) if isinstance(value, datetime) else value


_SPOKEN = {struct: _spoken(kind, PAYLOAD_FIELDS[kind]) for kind, struct in KINDS.items()}
