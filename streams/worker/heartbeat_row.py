"""Heartbeats: how a worker does, stored in ClickHouse every few seconds for sites that scrape no metrics."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil

from msgspec import Struct, field, structs

from schemas.connection import ClickHouseConnection
from schemas.errors import DossierError
from schemas.tables import PULSE
from streams.storage.clickhouse_client import database, insert

log = logging.getLogger(__name__)

SECONDS = 10.0
_MOST_SAMPLES = 10_000


class Heartbeat(Struct, frozen=True):
    """One row of the table `pulse`; quantiles are in seconds, and None where nothing was counted or inserted."""

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


class WorkDone(Struct):
    """What a worker did since its last heartbeat; freshness and times of inserts are in seconds."""

    events: int = 0
    dead: int = 0
    freshness: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_SAMPLES))
    inserts: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_SAMPLES))


def heartbeat_of(
    worker: str, now: float, lags: Mapping[int, tuple[int, float]], events_per_record: float, done: WorkDone
) -> Heartbeat:
    """The heartbeat of a worker at a Unix time, from the records and seconds of lag of each partition."""
    waiting = sum(records for records, _ in lags.values())
    return Heartbeat(
        at=datetime.fromtimestamp(now, UTC),
        worker=worker,
        partitions=len(lags),
        lag_records=waiting,
        lag_events=round(waiting * events_per_record),
        lag_seconds=max((seconds for _, seconds in lags.values()), default=0.0),
        events=done.events,
        dead=done.dead,
        freshness_p50=quantile(done.freshness, 0.5),
        freshness_p99=quantile(done.freshness, 0.99),
        insert_p50=quantile(done.inserts, 0.5),
        insert_p99=quantile(done.inserts, 0.99),
    )


def quantile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that is at least as great as this share of them; None without any."""
    ranked = sorted(values)
    return ranked[max(1, ceil(share * len(ranked))) - 1] if ranked else None


def write_heartbeat(clickhouse: ClickHouseConnection, heartbeat: Heartbeat) -> None:
    """Insert it; raises Unreachable or NotMigrated."""
    with database(clickhouse) as client:
        insert(client, PULSE, [structs.asdict(heartbeat)])


@contextmanager
def heartbeats(
    clickhouse: ClickHouseConnection, next_heartbeat: Callable[[], Heartbeat], seconds: float = SECONDS
) -> Iterator[None]:
    """While entered, write a heartbeat every so many seconds, in a thread of its own.

    One that cannot be written is dropped: its absence is the signal.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            try:
                write_heartbeat(clickhouse, next_heartbeat())
            except DossierError as error:
                log.info("a heartbeat was not written", extra={"reason": str(error)})

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
