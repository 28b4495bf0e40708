"""What an event says, as plain values; and a digest that tells two contents of one event id apart."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from schemas import events as kinds
from schemas.events import Event


def digest(kind: str, source: str, occurred: int, payload: dict[str, Any]) -> int:
    """The digest of a content; `payload` is as stored: times as text in UTC, without None."""
    content = msgspec.msgpack.encode((kind, source, occurred, sorted(payload.items())))
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS: dict[type[Event], tuple[str, ...]] = {
    kind: tuple(name for name in kind.__struct_fields__ if name not in Event.__struct_fields__)
    for kind in kinds.AnyEvent.__args__
}


def micros(at: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def kind_of(event: Event) -> str:
    """The name of the event's kind, as it travels."""
    return str(type(event).__struct_config__.tag)


def digest_of(event: Event) -> int:
    """The digest of an event's content."""
    payload = {}
    for name in FIELDS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, datetime):
            payload[name] = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        elif value is not None:
            payload[name] = value
    return digest(kind_of(event), event.source, micros(event.occurred_at), payload)
