"""A record of progress becomes a step: neither the person nor the text in it is taken over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors.portal.implied_events import Told, event
from connectors.portal.rejected import Rejected
from connectors.portal.statuses import Meaning
from connectors.portal.wire_values import instant_at, required_code_at, text_at
from schemas.events import Event
from schemas.instant import to_micros

UNMAPPED = "unmapped status"
"""The step of a record whose status the table does not know."""


class ProgressRecord(Struct, frozen=True):
    """Which dossier, when, and into which status it came."""

    dossier: str
    at: datetime
    meaning: Meaning | None


def read_progress(item: Mapping[str, Any], zone: ZoneInfo, statuses: Mapping[str, Meaning]) -> ProgressRecord:
    """The record in an item of CapNhatTienDoHoSoMC; raises Rejected, which names the first field that is wrong."""
    dossier = required_code_at(item, "MaHoSo")
    at = instant_at(item, "ThoiDiemXuLy", zone)
    if at is None:
        raise Rejected("missing", "ThoiDiemXuLy", "is empty")
    return ProgressRecord(dossier, at, statuses.get(text_at(item, "TrangThai")))


def step_of(record: ProgressRecord, told: Told) -> Event:
    """The step of this record. The latest step in time holds, not the one that was told last.

    A record repeated with another status for the same instant is a correction: then the later one holds.
    """
    at_its_time = Told(told.source, record.at, sequence_of(told))
    return event("progressed", record.dossier, record.at, at_its_time, {"step": record.meaning or UNMAPPED})


def sequence_of(told: Told) -> int:
    """The order of what was told, across requests and within one."""
    return (to_micros(told.at) << 10) + min(told.place, 1023)
