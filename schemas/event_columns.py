"""The events of a faultless envelope, column by column: the fast way to read large envelopes.

Events are decoded into structs that check the limits of every field, but leave instants as texts; instants and what
depends on several fields are checked over columns. An envelope in which anything is unusual is not decided here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import reduce
from operator import attrgetter, or_
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta, Struct

from schemas.envelope import FUTURE_TOLERANCE, MAX_EVENT_BYTES, MAX_LINES
from schemas.events import INSTANT_FIELDS, KINDS, PAYLOAD_FIELDS, Event, Payload
from schemas.instant import Instant, to_micros
from schemas.instant_columns import LONGEST, SHORTEST, micros_of
from schemas.nfc import is_nfc_utf8
from schemas.official_code import payload_getter


class EventColumns(Struct, frozen=True, gc=False):
    """Columns of events, one per line; times are microseconds since 1970."""

    dossiers: list[str]
    sources: list[str]
    kinds: list[str]
    ids: list[str]
    seqs: list[int]
    occurred: list[int]
    recorded: list[int]
    payloads: list[Payload]


def decode_columns(value: bytes, published_at: datetime) -> EventColumns | None:
    """The same events as `schemas.envelope.decode` finds; None where a line is faulty or anything is unusual."""
    if b"\\" in value:
        return None
    value = value.removesuffix(b"\n")
    lines = _lines_of(value)
    if lines > MAX_LINES:
        return None
    try:
        events = _DECODER.decode_lines(value)
        # The decoder does not check fields that it skips.
        if len(events) != lines or not is_nfc_utf8(value):
            return None
        kinds = [event.__class__ for event in events]
        payloads = [_PAYLOAD_OF[kind](event) for kind, event in zip(kinds, events, strict=True)]
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    times = _times(value, events, kinds, payloads, to_micros(published_at + FUTURE_TOLERANCE))
    if times is None:
        return None
    return EventColumns(
        [event.dossier for event in events],
        [event.source for event in events],
        [_KIND_OF[kind] for kind in kinds],
        [event.id for event in events],
        [event.seq for event in events],
        *times,
        payloads,
    )


def _lines_of(value: bytes) -> int:
    """How many lines there are; more than allowed where one is too long, or is not just one object."""
    letters = np.frombuffer(value, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    if len(ends) and (
        ends[0] == 0
        or ends[-1] == len(value) - 1
        or (letters[ends - 1] != ord("}")).any()
        or (letters[ends + 1] != ord("{")).any()
    ):
        return MAX_LINES + 1
    if len(value) > MAX_EVENT_BYTES and np.diff(ends, prepend=-1, append=len(value)).max() > MAX_EVENT_BYTES + 1:
        return MAX_LINES + 1
    return len(ends) + 1


def _times(
    value: bytes, events: list[Any], kinds: list[type[Struct]], payloads: list[Payload], horizon: int
) -> tuple[list[int], list[int]] | None:
    """When the events occurred and were recorded, and the payloads with their instants; None where a check fails."""
    texts = [event.occurred_at for event in events]
    later = [place for place, event in enumerate(events) if event.recorded_at is not None]
    texts += [events[place].recorded_at for place in later]
    instants = {"occurred_at": len(events), "recorded_at": len(later)}
    checked = [place for place, kind in enumerate(kinds) if kind in _CHECKED]
    timed = []
    for place in checked:
        kind, payload = kinds[place], payloads[place]
        if kind is _DIGITISED:
            components, digitised, reused, _ = payload
            if digitised > components or reused > components:  # type: ignore[operator]  # they are numbers
                return None
            continue
        name, field = _INSTANT_AT[kind]
        is_stated = payload[field] is not None
        instants[name] = instants.get(name, 0) + is_stated
        if is_stated:
            timed.append((place, field))
            texts.append(payload[field])
    found = micros_of(texts)
    if found is None or not _are_stated_once(value, instants):
        return None
    count, stated = len(events), len(events) + len(later)
    if found[:stated].max() > horizon:
        return None
    occurred: list[int] = found[:count].tolist()
    recorded = occurred
    if later:
        recorded = occurred.copy()
        for place, at in zip(later, found[count:stated].tolist(), strict=True):
            recorded[place] = at
    for (place, field), at in zip(timed, found[stated:].tolist(), strict=True):
        if at > horizon and kinds[place] is _AMENDED:
            return None
        payload = payloads[place]
        payloads[place] = (*payload[:field], at, *payload[field + 1 :])
    return occurred, recorded


def _are_stated_once(value: bytes, instants: Mapping[str, int]) -> bool:
    """Whether the envelope names each of these fields as often as events have it; a null does not count.

    Where an object states a field twice, the last value holds. A decoder of single events checks all of them, but here
    only the last one is checked as an instant.
    """
    for name, number in instants.items():
        field = f'"{name}"'.encode()
        named = value.count(field)
        if named != number and named - value.count(field + b":null") - value.count(field + b": null") != number:
            return False
    return True


_Text: TypeAlias = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST)]


def _unchecked(kind: str, struct: type[Event]) -> type[Struct]:
    """The struct of a kind without what it checks after it is decoded, its instants as texts."""
    texts = {Instant: _Text, Instant | None: _Text | None}
    fields = [
        (field.name, texts.get(field.type, field.type), field.default)
        if field.default is not msgspec.NODEFAULT
        else (field.name, texts.get(field.type, field.type))
        for field in msgspec.structs.fields(struct)
    ]
    return msgspec.defstruct(struct.__name__, fields, tag_field="kind", tag=kind, kw_only=True, frozen=True, gc=False)


def _payload_of(kind: str) -> Callable[[Any], Payload]:
    fields = PAYLOAD_FIELDS[kind]
    if not fields:
        return lambda _: ()
    if len(fields) == 1:
        get = attrgetter(fields[0])
        return lambda event: (get(event),)
    if fields[-1] == "official":
        return payload_getter(fields)
    return attrgetter(*fields)


_STRUCTS = {kind: _unchecked(kind, struct) for kind, struct in KINDS.items()}
_KIND_OF = {struct: kind for kind, struct in _STRUCTS.items()}
_PAYLOAD_OF = {struct: _payload_of(kind) for kind, struct in _STRUCTS.items()}
_INSTANT_AT = {_STRUCTS[kind]: (field, PAYLOAD_FIELDS[kind].index(field)) for kind, field in INSTANT_FIELDS.items()}
"""The field that is an instant and its place in the payload, where a kind has one."""
_DIGITISED, _AMENDED = _STRUCTS["digitised"], _STRUCTS["amended"]
_CHECKED = {_DIGITISED, *_INSTANT_AT}
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(reduce(or_, _STRUCTS.values()))
