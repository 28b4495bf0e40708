"""What a case of `bench.hot` finds in the database: many old windows, or many dossiers that are full."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from clickhouse_driver import Client

from schemas.counters import COUNTERS, WINDOW_SECONDS
from schemas.deployment_profile import Profile
from schemas.events import MAX_NUMBERED, Event, Paid, Received
from schemas.tables import FACTS
from streams.counting.facts import facts_of
from streams.counting.registers import merged, pack
from streams.counting.rows import facts_row
from streams.counting.store_interface import Stored
from streams.storage.clickhouse_client import chunks
from streams.storage.clickhouse_store import ClickHouseStore

BEGIN = datetime(2016, 1, 1, tzinfo=UTC)
WINDOW = timedelta(seconds=WINDOW_SECONDS)
WINDOWS = 1_000_000
"""Windows of an agency whose past is full."""
_ROWS_AT_ONCE = 250


def received(dossier: str, at: datetime = BEGIN, agency: str = "H0") -> Event:
    """A reception."""
    return Received(
        id="r", dossier=dossier, source="hot", occurred_at=at, agency=agency, channel="online", fee_bearing=True
    )


def paid(dossier: str, numbers: int) -> Iterator[Event]:
    """Payments without end, each in another window; after so many transactions the first are corrected."""
    number = 0
    while True:
        yield Paid(
            id=f"p{number}",
            dossier=dossier,
            source="hot",
            occurred_at=BEGIN + number % 100_000 * WINDOW,
            recorded_at=BEGIN + timedelta(seconds=number),
            transaction=f"T{number % numbers}",
            amount=1,
            method="online",
        )
        number += 1


def make_windows(client: Client, agencies: int, windows: int) -> None:
    """Rows of so many agencies with so many windows each, one after another, as former records left them.

    Every counter is large enough for what a case may take from it.
    """
    client.execute(
        f"INSERT INTO windows (agency, window, partition, pos, {', '.join(COUNTERS)}) "  # noqa: S608  # our names
        "SELECT concat('H', toString(modulo(number, %(agencies)s))), "
        "toDateTime(%(begin)s, 'UTC') + intDiv(number, %(agencies)s) * %(length)s, 0, 1, "
        f"{', '.join('10000000' for _ in COUNTERS)} FROM numbers(%(rows)s)",
        {
            "begin": int(BEGIN.timestamp()),
            "length": WINDOW_SECONDS,
            "agencies": agencies,
            "rows": agencies * windows,
        },
    )


def make_full_dossiers(store: ClickHouseStore, dossiers: int) -> None:
    """Facts of so many dossiers `F0`, `F1`, … that have as many payments as a dossier may have."""
    events = [received("F"), *(event for event, _ in zip(paid("F", MAX_NUMBERED), range(MAX_NUMBERED), strict=False))]
    registers = merged(events)
    state, facts = pack(registers), facts_of(registers)
    # The registers do not name their dossier.
    rows = (facts_row(f"F{n}", 0, Stored(1, state, n + 1), facts, Profile()) for n in range(dossiers))
    for some in chunks(rows, _ROWS_AT_ONCE):
        store.write(FACTS, some)
