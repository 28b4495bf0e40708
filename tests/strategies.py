"""Hypothesis strategies for events: small pools of ids, registers and times, so that events meet and contradict."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from hashlib import blake2b
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas.envelope import encode_event
from schemas.events import KINDS, PAYLOAD_FIELDS, AnyEvent, Digitised, Event
from schemas.instant import EARLIEST, LATEST, from_micros, to_micros

DOSSIERS = ("H01.2026.1", "H01.2026.2", "Đ-3")
AGENCIES = ("H01", "H02", "Sở Xây dựng")
EVENT_IDS = ("e1", "e2", "e3")
MOMENTS = (
    EARLIEST,
    datetime(2026, 3, 31, 16, 59, 59, 999_999, tzinfo=UTC),  # the last microsecond of a quarter in Việt Nam
    datetime(2026, 3, 31, 17, 0, tzinfo=UTC),
    datetime(2026, 4, 1, 9, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=7))),
    LATEST - timedelta(microseconds=1),
)
"""Times that many events share."""
PUBLISHED = LATEST
"""A record's timestamp by which none of these events lies in the future."""


def _instant(micros: int, offset: int) -> datetime:
    return from_micros(micros).astimezone(timezone(timedelta(minutes=offset)))


def instants() -> SearchStrategy[datetime]:
    """Shared moments, and any microsecond of the years that are allowed, at offsets sources use."""
    offsets = st.sampled_from((0, 7 * 60, -9 * 60 - 30))
    anywhere = st.builds(_instant, st.integers(to_micros(EARLIEST), to_micros(LATEST) - 1), offsets)
    return st.sampled_from(MOMENTS) | anywhere


def events(dossiers: Sequence[str] = DOSSIERS, kinds: Sequence[type[Event]] = ()) -> SearchStrategy[AnyEvent]:
    """Events of any kind (or of these), with every field; the id follows from the content, so no two conflict."""
    return _events(tuple(dossiers), tuple(kinds) or tuple(KINDS.values()))


@cache
def _events(dossiers: Sequence[str], kinds: Sequence[type[Event]]) -> SearchStrategy[AnyEvent]:
    # A strategy remembers what it found out about itself: one made anew for each example costs most of the time.
    return st.one_of([_contents(kind, dossiers) for kind in kinds]).map(_with_own_id)


def events_of(dossier: str, kinds: Sequence[type[Event]] = ()) -> SearchStrategy[AnyEvent]:
    """Events of one case, whose contents do not conflict."""
    return events((dossier,), kinds)


def conflicting_events(
    dossiers: Sequence[str] = DOSSIERS, kinds: Sequence[type[Event]] = ()
) -> SearchStrategy[AnyEvent]:
    """Events with ids from a small pool: some have the same id and different content."""
    return st.builds(_with_id, events(dossiers, kinds), st.sampled_from(EVENT_IDS))


_QUANTITIES = st.integers(0, 3) | st.just(10_000)
_FLAGS = st.booleans()
_REASONS = st.sampled_from(("incomplete", "Thiếu giấy tờ", "r" * 200))
_FIELDS: dict[str, SearchStrategy[Any]] = {
    "agency": st.sampled_from(AGENCIES),
    "amount": st.integers(0, 3) | st.sampled_from((50_000, 10**12)),
    "apology": _FLAGS,
    "channel": st.sampled_from(("direct", "online", "postal")),
    "components": _QUANTITIES,
    "digitised": _QUANTITIES,
    "e_result": _FLAGS,
    "fee_bearing": _FLAGS,
    "gateway": st.sampled_from(("PayGov", "VNPT")),
    "method": st.sampled_from(("online", "cash", "transfer")),
    "official": st.sampled_from(("CB-1", "H26.0017/2")),
    "number": st.integers(1, 3) | st.just(1000),
    "previous_agency": st.sampled_from(AGENCIES),
    "procedure": st.sampled_from(("1.004194", "2.000001")),
    "reason": _REASONS,
    "received_at": instants(),
    "receiver": st.sampled_from(AGENCIES),
    "result": _FLAGS,
    "reused": _QUANTITIES,
    "satisfied": _FLAGS,
    "score": st.integers(1, 5),
    "step": st.sampled_from(("intake", "Thẩm định", "s" * 100)),
    "term": instants(),
    "transaction": st.sampled_from(("T1", "T2")),
    "unit": st.sampled_from(("unit 1", "unit 2")),
    "voided": _FLAGS,
}


@cache
def _contents(kind: type[Event], dossiers: Sequence[str]) -> SearchStrategy[AnyEvent]:
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
    payload = {
        name: st.none() | _FIELDS[name] if defaults[name] is None else _FIELDS[name]
        for name in PAYLOAD_FIELDS[str(kind.__struct_config__.tag)]
    }
    built: SearchStrategy[Any] = st.builds(
        _build,
        st.just(kind),
        dossier=st.sampled_from(dossiers),
        source=st.sampled_from(("one-stop", "portal")),
        occurred_at=instants(),
        recorded_at=st.none() | st.sampled_from(MOMENTS),
        seq=st.integers(0, 2) | st.just(2**63 - 1),
        **payload,
    )
    return built


def _build(kind: type[Event], **fields: Any) -> Event:
    if kind is Digitised:
        parts = ("components", "digitised", "reused")
        fields["components"] = max(fields[name] for name in parts)
    return kind(id="-", **fields)


def _with_own_id(event: AnyEvent) -> AnyEvent:
    return _with_id(event, blake2b(encode_event(event), digest_size=8).hexdigest())


def _with_id(event: AnyEvent, event_id: str) -> AnyEvent:
    return msgspec.structs.replace(event, id=event_id)
