"""A request's items become events, an answer for each, what was put aside, and flags: a pure function."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from connectors.portal.agency_finding import Found, find_agency
from connectors.portal.directory import Directory
from connectors.portal.implied_events import Told, events_of
from connectors.portal.progress import read_progress, step_of
from connectors.portal.quality import flags_of
from connectors.portal.rejected import Rejected
from connectors.portal.senders import Sender
from connectors.portal.snapshot import Snapshot, read_snapshot
from schemas.distortion import Distortion
from schemas.envelope import FUTURE_TOLERANCE
from schemas.events import Event

Service: TypeAlias = Literal["DongBoHoSoMC", "CapNhatTienDoHoSoMC"]
_CLOCKS_DIFFER = FUTURE_TOLERANCE / 2
"""How far ahead of ours a sender's clock may be: less than what counting bears."""


class Put(Struct, frozen=True):
    """An item that was put aside: its place in the request, and why."""

    place: int
    item: Any
    error: Rejected


class Translation(Struct, frozen=True):
    """What the items of one request come to; `unknown` are names of agencies that nobody declared, with who counts."""

    items: int
    events: list[Event]
    rejected: list[Put]
    flags: list[Distortion]
    unknown: dict[str, str]


def translate(
    service: Service, items: Sequence[Any], sender: Sender, directory: Directory, zone: ZoneInfo, told: Told
) -> Translation:
    """All that the items of a request imply; an item that is wrong is put aside, and the others go on."""
    found = Translation(len(items), [], [], [], {})
    for place, item in enumerate(items):
        at_place = structs.replace(told, place=place)
        try:
            if not isinstance(item, dict):
                raise Rejected("unreadable", "data", "is no object")
            if service == "DongBoHoSoMC":
                snapshot, agency = _dossier(item, sender, directory, zone)
                events = events_of(snapshot, agency.code, at_place)
                flags = flags_of(snapshot, agency, told.source, told.at)
                if not agency.is_known and snapshot.agency_named:
                    found.unknown[snapshot.agency_named] = agency.code
            else:
                events, flags = [step_of(read_progress(item, zone, sender.meanings), at_place)], []
            _check_times(events, told.at + _CLOCKS_DIFFER)
        except Rejected as error:
            found.rejected.append(Put(place, item, error))
            continue
        found.events.extend(events)
        found.flags.extend(flags)
    return found


def _dossier(item: Mapping[str, Any], sender: Sender, directory: Directory, zone: ZoneInfo) -> tuple[Snapshot, Found]:
    snapshot = read_snapshot(item, zone, sender.meanings)
    if snapshot.received_at is None and snapshot.meaning not in ("registered", "refused"):
        raise Rejected("missing", "NgayTiepNhan", "is empty, although the dossier was received")
    agency = find_agency(snapshot.agency_named, snapshot.dossier, sender.agencies, sender.agency, directory)
    return snapshot, agency


def _check_times(events: Sequence[Event], latest: datetime) -> None:
    for event in events:
        if event.occurred_at > latest:
            raise Rejected("future", event.__struct_config__.tag, "lies in the future")  # type: ignore[arg-type]
