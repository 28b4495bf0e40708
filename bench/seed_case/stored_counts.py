"""What a database holds of the seed case, and in how many cells that is not the truth."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from clickhouse_driver import Client
from msgspec import Struct

from bench.seed_case.case_lives import AGENCIES
from bench.seed_case.cells import MONTH_SECONDS, Amounts, differences, packed, summed
from bench.seed_case.expected_counts import FACTS, Truth
from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS

_PATIENCE_SECONDS = 3600
_STRANGER = len(AGENCIES)
"""Stands for an agency that is none of ours."""
_INDEX = {code: index for index, code in enumerate(AGENCIES)}


class Totals(Struct, frozen=True):
    """Dossiers, without what is void."""

    dossiers: int
    online: int
    resolved: int
    on_time: int


class Differences(Struct, frozen=True):
    """Cells that are not as they must be: counters of windows, facts by agency, and the number of events."""

    windows: int
    facts: int
    events: int

    @property
    def total(self) -> int:
        """All of them; nothing but 0 is right."""
        return self.windows + self.facts + self.events


def totals(clickhouse: ClickHouseConnection) -> Totals:
    """The totals, as an analyst asks for them."""
    sql = (
        "SELECT count(), countIf(channel = 'online'), countIf(outcome = 'resolved'), "
        "countIf(outcome = 'resolved' AND on_time) FROM dossiers"
    )
    with _client(clickhouse) as client:
        return Totals(*client.execute(sql)[0])


def compare(clickhouse: ClickHouseConnection, truth: Truth) -> Differences:
    """Hold everything that is stored against the truth, windows a month at a time."""
    with _client(clickhouse) as client:
        windows = 0
        unseen = _months(client)
        for month, expected in truth.windows.months():
            windows += differences(expected, _windows(client, month))
            unseen.discard(month)
        windows += sum(len(_windows(client, month).cells) for month in unseen)
        (events,) = client.execute("SELECT count() FROM events FINAL")[0]
        return Differences(windows, differences(truth.facts, _facts(client)), int(events != truth.events))


@contextmanager
def _client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = Client(
        clickhouse.host,
        clickhouse.port,
        user=clickhouse.user,
        password=clickhouse.password.reveal(),
        database=clickhouse.database,
        send_receive_timeout=_PATIENCE_SECONDS,
    )
    try:
        yield client
    finally:
        client.disconnect()


def _months(client: Client) -> set[int]:
    sql = f"SELECT DISTINCT intDiv(toUnixTimestamp(window), {MONTH_SECONDS}) * {MONTH_SECONDS} FROM windows"  # noqa: S608  # our number
    return {month for (month,) in client.execute(sql)}


def _windows(client: Client, month: int) -> Amounts:
    sums = ", ".join(f"sum({counter})" for counter in COUNTERS)
    columns = client.execute(
        f"SELECT agency, toUnixTimestamp(window), {sums} FROM windows FINAL "  # noqa: S608  # our names
        "WHERE window >= toDateTime(%(begin)s) AND window < toDateTime(%(end)s) GROUP BY agency, window",
        {"begin": month, "end": month + MONTH_SECONDS},
        columnar=True,
    )
    return _amounts(*columns) if columns else summed([])


def _facts(client: Client) -> Amounts:
    measures = ", ".join(FACTS.values())
    sql = f"SELECT agency, 0, {measures} FROM facts FINAL GROUP BY agency"  # noqa: S608  # our names
    columns = client.execute(sql, columnar=True)
    return _amounts(*columns) if columns else summed([])


def _amounts(agencies: tuple[str, ...], starts: tuple[int, ...], *measures: tuple[int, ...]) -> Amounts:
    agency = np.array([_INDEX.get(code, _STRANGER) for code in agencies])
    start = np.array(starts)
    parts = []
    for measure, values in enumerate(measures):
        amounts = np.array([value or 0 for value in values], np.int64)
        there = np.flatnonzero(amounts)
        parts.append(Amounts(packed(start[there], agency[there], measure), amounts[there]))
    return summed(parts)
