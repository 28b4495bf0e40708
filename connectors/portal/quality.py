"""Distortions of a snapshot that it shows by itself: flagged, never repaired."""

from collections.abc import Iterator
from datetime import datetime

from connectors.portal.agency_finding import Found
from connectors.portal.snapshot import Snapshot
from connectors.portal.statuses import WAITS
from schemas.distortion import Distortion


def flags_of(snapshot: Snapshot, agency: Found, source: str, told_at: datetime) -> list[Distortion]:
    """The distortions of a snapshot, by the day of reception, or that of the message where it was not received."""
    at = snapshot.received_at or told_at
    return [Distortion(kind, agency.code, snapshot.dossier, source, at) for kind in _kinds(snapshot, agency)]


def _kinds(snapshot: Snapshot, agency: Found) -> Iterator[str]:
    if snapshot.channel is None:
        yield "missing_channel"
    if snapshot.meaning is None:
        yield "unmapped_status" if snapshot.has_status else "missing_status"
    if not agency.is_known:
        yield "unknown_agency"
    if agency.is_foreign:
        yield "foreign_code"
    if snapshot.received_at is None:
        return
    if snapshot.term is not None and snapshot.term < snapshot.received_at:
        yield "term_before_reception"
    unanswered = any(each.answered_at is None for each in snapshot.supplements)
    if snapshot.meaning in ("resolved", "returned"):
        yield from _finish(snapshot, snapshot.received_at)
        if unanswered:
            yield "finish_while_waiting"
    elif snapshot.meaning in WAITS and not unanswered:
        yield "wait_without_dates"


def _finish(snapshot: Snapshot, received_at: datetime) -> Iterator[str]:
    if not snapshot.ends:
        yield "finish_without_date"
    elif snapshot.ends[0] < received_at:
        yield "finish_before_reception"
    elif snapshot.ends[0] == received_at and snapshot.term is None:
        yield "finish_at_reception"
