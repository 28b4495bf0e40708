"""The pulse of a worker: how it does, written into the database every few seconds, for whoever scrapes no metrics."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from math import ceil

from msgspec import Struct, structs

from schemas.connection import ClickHouseConnection
from schemas.errors import DossierError
from schemas.tables import PULSE
from streams.storage.clickhouse import database, insert

log = logging.getLogger(__name__)

SECONDS = 10.0


class Pulse(Struct, frozen=True):
    """One row of the table `pulse`; the quantiles are in seconds, None where nothing was counted or inserted."""

    at: datetime
    worker: str
    partitions: int
    lag_records: int
    lag_events: int
    lag_seconds: float
    events: int
    dead: int
    freshness_p50: float | None
    freshness_p99: float | None
    insert_p50: float | None
    insert_p99: float | None


def quantile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that is at least as great as this share of them; None without any."""
    ranked = sorted(values)
    return ranked[max(1, ceil(share * len(ranked))) - 1] if ranked else None


def write(clickhouse: ClickHouseConnection, pulse: Pulse) -> None:
    """Insert it; raises Unreachable or NotMigrated."""
    with database(clickhouse) as client:
        insert(client, PULSE, [structs.asdict(pulse)])


@contextmanager
def pulsing(clickhouse: ClickHouseConnection, take: Callable[[], Pulse], seconds: float = SECONDS) -> Iterator[None]:
    """While entered, write one every so often, in a thread of its own.

    One that cannot be written is let go: that it is missing says enough.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            try:
                write(clickhouse, take())
            except DossierError as error:
                log.info("no pulse is written", extra={"reason": str(error)})

    thread = threading.Thread(target=run, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
