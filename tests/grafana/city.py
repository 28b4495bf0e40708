"""A small city as of now: events of today and of before, one agency with a name that hurts careless quoting."""

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
