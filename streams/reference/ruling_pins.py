"""Pins: which loads of reference data decide the terms of an epoch's counts. A greater `pinned_at` replaces a smaller.

Counting never asks for the current load, which may change between two batches: it asks for the pin, which is only
replaced where that decides no counted case otherwise.
"""

from datetime import UTC, datetime, timedelta

from clickhouse_driver import Client
from msgspec import Struct, structs

from schemas.instant import to_micros
from schemas.tables import RULING_LOADS
from schemas.topics import EVENTS
from streams.reference.kinds import KindName

DECIDING: tuple[KindName, ...] = ("agencies", "calendar", "procedures")
"""The kinds of reference data that decide terms. Officials decide none."""


class Loads(Struct, frozen=True, gc=False):
    """The numbers of loads, one of each kind that decides; 0 where there is none, which is the built-in calendar."""

    agencies: int = 0
    calendar: int = 0
    procedures: int = 0

    def __str__(self) -> str:
        held = [f"{kind} {number}" for kind in DECIDING if (number := getattr(self, kind))]
        return ", ".join(held) or "the built-in calendar"


BUILT_IN = Loads()


class Pin(Struct, frozen=True, gc=False):
    """The loads that decide the counts of an epoch since an instant; None before any was pinned."""

    epoch: int
    pinned_at: datetime | None = None
    loads: Loads = BUILT_IN

    def later(self, now: datetime) -> datetime:
        """The time of the next pin: later than this one, whatever this machine's clock says."""
        return now if self.pinned_at is None else max(now, self.pinned_at + timedelta(milliseconds=1))


def all_pins(client: Client) -> list[Pin]:
    """All pins in the order in which they were made; raises what the driver does."""
    rows = client.execute(
        "SELECT epoch, pinned_at, agencies, calendar, procedures FROM ruling_loads "
        "WHERE topic = %(topic)s ORDER BY epoch, pinned_at",
        {"topic": EVENTS},
    )
    return [Pin(epoch, pinned_at, Loads(*loads)) for epoch, pinned_at, *loads in rows]


def held(client: Client, epoch: int) -> Pin:
    """The pin of this epoch that holds; one of nothing where there is none. Raises what the driver does."""
    rows = client.execute(
        "SELECT pinned_at, agencies, calendar, procedures FROM ruling_loads "
        "WHERE topic = %(topic)s AND epoch = %(epoch)s ORDER BY pinned_at DESC, agencies, calendar, procedures LIMIT 1",
        {"topic": EVENTS, "epoch": epoch},
    )
    return Pin(epoch, rows[0][0], Loads(*rows[0][1:])) if rows else Pin(epoch)


def newest(client: Client) -> Loads:
    """The current loads of the kinds that decide; raises what the driver does."""
    rows = client.execute(
        "SELECT kind, max(load) FROM reference_loads WHERE kind IN %(kinds)s GROUP BY kind", {"kinds": DECIDING}
    )
    return Loads(**dict(rows))


def pin(client: Client, before: Pin, loads: Loads, at: datetime) -> Pin:
    """Pin these loads in place of `before`, unless somebody else has replaced it; returns what holds then.

    Raises what the driver does.
    """
    client.execute(
        f"INSERT INTO ruling_loads ({', '.join(RULING_LOADS.columns)}) "  # noqa: S608  # our own names
        "SELECT %(topic)s, %(epoch)s, fromUnixTimestamp64Micro(%(at)s, 'UTC'), "
        "%(agencies)s, %(calendar)s, %(procedures)s "
        "WHERE (SELECT toUnixTimestamp64Micro(max(pinned_at)) FROM ruling_loads "
        "WHERE topic = %(topic)s AND epoch = %(epoch)s) = %(before)s",
        {
            "topic": EVENTS,
            "epoch": before.epoch,
            "at": to_micros(before.later(at)),
            "before": 0 if before.pinned_at is None else to_micros(before.pinned_at),
            **structs.asdict(loads),
        },
    )
    return held(client, before.epoch)


def pin_newest(client: Client, epoch: int) -> Pin:
    """The pin of an epoch in which nothing is counted yet: the current loads, unless it has one already."""
    before = held(client, epoch)
    return before if before.pinned_at else pin(client, before, newest(client), datetime.now(UTC))
