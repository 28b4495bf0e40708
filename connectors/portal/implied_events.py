"""The events that a snapshot of a dossier, or a record of progress, implies: pure functions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.files.event_ids import event_id
from connectors.portal.snapshot import Snapshot
from connectors.portal.statuses import ENDS
from connectors.portal.terms import term_events
from schemas.events import KINDS, Event, Value

TRANSACTION = "portal"
"""The one payment that a snapshot can state: it has neither an id nor a date of its own."""


class Told(Struct, frozen=True):
    """Who told something, when, and as which item of a request; `is_update` where the sender told of it before."""

    source: str
    at: datetime
    place: int = 0
    is_update: bool = True


def events_of(snapshot: Snapshot, agency: str, told: Told) -> list[Event]:
    """The events of a dossier that was received; none of one that was not."""
    if snapshot.received_at is None:
        return []
    return [
        event(kind, snapshot.dossier, occurred_at, told, fields)
        for kind, occurred_at, fields in _implied(snapshot, snapshot.received_at, agency, told)
    ]


def event(kind: str, dossier: str, occurred_at: datetime, told: Told, fields: dict[str, Any]) -> Event:
    """An event whose id follows from its content alone, however often and whenever it is told."""
    key: tuple[str, ...] = ()
    plain: dict[str, Value | datetime] = fields
    return KINDS[kind](
        id=event_id(told.source, dossier, kind, key, occurred_at, plain),  # type: ignore[arg-type]
        dossier=dossier,
        source=told.source,
        occurred_at=occurred_at,
        recorded_at=told.at,
        seq=told.place,
        **fields,
    )


def _implied(
    snapshot: Snapshot, received_at: datetime, agency: str, told: Told
) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    yield "received", received_at, _reception(snapshot, agency)
    for number, supplement in enumerate(snapshot.supplements, 1):
        yield "supplement_requested", supplement.requested_at, {"number": number}
        if supplement.answered_at is not None:
            yield "supplement_answered", supplement.answered_at, {"number": number}
    yield from term_events(snapshot, received_at)
    if snapshot.components:
        yield (
            "digitised",
            received_at,
            {
                "components": snapshot.components,
                "digitised": snapshot.digitised,
                "reused": snapshot.reused,
                "result": snapshot.has_result,
            },
        )
    if snapshot.paid_through:
        yield (
            "paid",
            received_at,
            {
                "transaction": TRANSACTION,
                "amount": snapshot.fee,
                "method": "online",
                "gateway": snapshot.paid_through,
            },
        )
    yield from _end(snapshot, received_at, told)


def _reception(snapshot: Snapshot, agency: str) -> dict[str, Any]:
    return {
        "agency": agency,
        "channel": snapshot.channel or "direct",
        "procedure": snapshot.procedure or None,
        "fee_bearing": bool(snapshot.fee or snapshot.paid_through),
    }


def _end(snapshot: Snapshot, received_at: datetime, told: Told) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    """How it ended; of an open dossier that was told of before, that whatever ended it was taken back."""
    meaning = snapshot.meaning
    if meaning not in ENDS:
        if told.is_update and meaning is not None:
            yield "reopened", received_at, {}
        return
    ended_at = snapshot.ends[0] if snapshot.ends else told.at
    if meaning in ("resolved", "returned"):
        yield "resolved", ended_at, {"e_result": snapshot.has_result}
        if meaning == "returned":
            yield "returned", snapshot.ends[-1] if snapshot.ends else told.at, {}
    else:
        assert meaning is not None  # noqa: S101  # it is one of ENDS
        yield meaning, snapshot.refused_at or ended_at if meaning == "refused" else ended_at, {}
