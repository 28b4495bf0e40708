"""A small city as of now: events of today and of before, one agency with a name that hurts careless quoting.

`AGENCIES` and `PROCEDURES` are its reference data, with a merger twenty days ago, of which `city_after_a_merger` tells.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.events import (
    Digitised,
    Event,
    FeedbackAnswered,
    FeedbackReceived,
    Paid,
    Rated,
    Received,
    Resolved,
    TermSet,
)
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOSTILE = "O'Brien"
LEAVING = "\\' OR 1=1 -- "
"""Leaves a text in which quotes alone are escaped, and makes a condition of all rows."""


def midnight(days_ago: int = 0) -> datetime:
    """The first instant of a local day: whatever the hour is now, it is of that day, and past."""
    today = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days_ago)


def resolved(name: str, agency: str, at: datetime, *, late: bool = False) -> list[Event]:
    """A dossier received ten days earlier and resolved then, online, paid, digitised and rated well."""
    received = at - timedelta(days=10)
    shared: dict[str, Any] = {"dossier": name, "source": "one-stop"}
    return [
        Received(
            id=f"{name} received",
            occurred_at=received,
            agency=agency,
            channel="online",
            procedure="1.000001",
            fee_bearing=True,
            **shared,
        ),
        TermSet(id=f"{name} term", occurred_at=received, term=at + timedelta(days=-1 if late else 1), **shared),
        Paid(
            id=f"{name} paid", occurred_at=received, transaction=f"{name} 1", amount=50_000, method="online", **shared
        ),
        Digitised(id=f"{name} digitised", occurred_at=at, components=4, digitised=3, reused=1, **shared),
        Resolved(id=f"{name} resolved", occurred_at=at, **shared),
        Rated(id=f"{name} rated", occurred_at=at, satisfied=not late, **shared),
    ]


def waiting(name: str, agency: str, received: datetime, term: datetime) -> list[Event]:
    """A dossier that is open, filed at the counter."""
    shared: dict[str, Any] = {"dossier": name, "source": "one-stop"}
    return [
        Received(id=f"{name} received", occurred_at=received, agency=agency, procedure="1.000002", **shared),
        TermSet(id=f"{name} term", occurred_at=received, term=term, **shared),
    ]


def feedback(name: str, agency: str, at: datetime) -> list[Event]:
    """A feedback received and answered then."""
    shared: dict[str, Any] = {"dossier": name, "source": "feedback"}
    return [
        FeedbackReceived(id=f"{name} received", occurred_at=at, agency=agency, **shared),
        FeedbackAnswered(id=f"{name} answered", occurred_at=at, **shared),
    ]


def city() -> list[Event]:
    """All of it: today 2 resolved, 1 of them late; 4 open, 2 of them overdue, 1 of them since yesterday."""
    now = datetime.now(UTC)
    return [
        *resolved("today on time", "H26.01", midnight()),
        *resolved("today late", HOSTILE, midnight(), late=True),
        *resolved("yesterday on time", "H26.01", midnight(1)),
        *resolved("last month", "H26.02", midnight(31)),
        *resolved("last year", "H26.02", midnight(366), late=True),
        *waiting("new", "H26.01", midnight(), now + timedelta(days=20)),
        *waiting("due soon", "H26.01", midnight(5), now + timedelta(hours=5)),
        *waiting("overdue", HOSTILE, midnight(20), now - timedelta(hours=1)),
        *waiting("long overdue", HOSTILE, midnight(40), now - timedelta(days=10)),
        *feedback("feedback", "H26.01", midnight()),
    ]


MERGED = midnight(20).date()
"""The local day from which the new wards are there, and neither the old ones nor their district."""
_EVE = MERGED - timedelta(days=1)
NAME = (
    f"Phường \"Cống Vị\" <b>&amp;</b> 'Ngọc Hà' | $agency ${{agency}} $1 {{a}}\n\t{'dài ' * 99}"[:300]
    .strip()
    .ljust(300, "x")
)
"""A name that hurts careless escaping, interpolation, splitting and layout."""
SHOWN_NAME = " ".join(NAME.split())
GROUP = "Sở, ban, ngành <'|\">"

AGENCIES = (
    Agency(code="H26", name_vi="UBND thành phố Hà Nội", parent="", level="province", aliases=("000.00.00.H26",)),
    Agency(code="H26.01", name_vi="Sở Nội vụ", parent="H26", level="department", group=GROUP),
    Agency(code="H26.01.05", name_vi="Trung tâm Lưu trữ", parent="H26.01", level="centre"),
    Agency(code="H26.02", name_vi="Sở Tài chính", parent="H26", level="department", group=GROUP),
    Agency(code="H26.50", name_vi="Quận Ba Đình", parent="H26", level="district", group="Quận", valid_to=_EVE),
    Agency(
        code="H26.50.01",
        name_vi="Phường Cống Vị",
        parent="H26.50",
        level="commune",
        group="Xã, phường",
        valid_to=_EVE,
        successors=("H26.60",),
    ),
    Agency(
        code="H26.50.02",
        name_vi="Phường Ngọc Hà",
        parent="H26.50",
        level="commune",
        group="Xã, phường",
        valid_to=_EVE,
        successors=("H26.60",),
    ),
    Agency(code="H26.60", name_vi=NAME, parent="H26", level="commune", group="Xã, phường", valid_from=MERGED),
    Agency(code="H26.61", name_vi="Phường Mới", parent="H26", level="commune", group="Xã, phường", valid_from=MERGED),
    Agency(code="H29", name_vi="UBND Thành phố Hồ Chí Minh", level="province"),
    Agency(code="H29.01", name_vi="Sở Nội vụ", parent="H29", level="department", group=GROUP),
)
"""Two provinces; O'Brien is none of their agencies."""
PROCEDURES = (
    ProcedureVersion(
        code="1.000001", name_vi="Cấp <giấy> 'khai sinh' | \"$1\"\n", field="Hộ tịch", service_level="full"
    ),
    ProcedureVersion(code="1.000003", name_vi="Đăng ký biến động", field="Đất đai", service_level="3"),
    ProcedureVersion(code="1.000004", name_vi="Tách thửa", field="Đất đai", service_level="information"),
    ProcedureVersion(code="1.000005", name_vi="Bãi bỏ", field="Đất đai", service_level="full", valid_to=_EVE),
)
"""1.000002, of everything that waits, is not declared; 1.000005 is no longer valid."""


def city_after_a_merger() -> list[Event]:
    """The city, and dossiers of its tree: of old wards, of the new one, of a centre, an alias, and another province."""
    now = datetime.now(UTC)
    return [
        *city(),
        *resolved("of the centre", "H26.01.05", midnight(), late=True),
        *resolved("of the first ward", "H26.50.01", midnight(40)),
        *resolved("late of the first ward", "H26.50.01", midnight(40), late=True),
        *resolved("of the second ward", "H26.50.02", midnight(40)),
        *waiting("old and overdue", "H26.50.01", midnight(41), now - timedelta(hours=2)),
        *resolved("of the new ward", "H26.60", midnight()),
        *waiting("open in the new ward", "H26.60", midnight(), now + timedelta(days=20)),
        *waiting("by an alias", "000.00.00.H26", midnight(), now + timedelta(days=20)),
        *resolved("elsewhere", "H29.01", midnight()),
        Received(
            id="taken in elsewhere",
            dossier="taken in elsewhere",
            source="one-stop",
            occurred_at=midnight(),
            agency="H26.02",
            receiver="H26.60",
            procedure="1.000001",
            channel="postal",
        ),
    ]
