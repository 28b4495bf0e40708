"""The pulse of a worker, and that it ends with it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.connection import ClickHouseConnection
from streams.storage.clickhouse_client import connect
from streams.worker.heartbeat_row import Heartbeat, heartbeats, quantile, write_heartbeat

# Of now: what is older than 90 days is not kept.
HEARTBEAT = Heartbeat(
    datetime.now(UTC).replace(microsecond=123_000), "worker-1", 4, 12, 6000, 0.25, 500, 1, 0.2, 0.4, 0.01, None
)


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_the_first_value_that_reaches_the_share(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) <= max(0, share * len(values))


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile([], 0.5) is None
    assert quantile([1, 2, 3, 4], 0.5) == 2
    assert quantile(range(1, 101), 0.99) == 99


@pytest.mark.clickhouse
def test_it_is_read_as_it_was_written(clickhouse: ClickHouseConnection, client: Client) -> None:
    write_heartbeat(clickhouse, HEARTBEAT)
    assert client.execute("SELECT * FROM pulse") == [structs.astuple(HEARTBEAT)]


@pytest.mark.clickhouse
def test_it_goes_on_and_survives_a_table_that_is_away(clickhouse: ClickHouseConnection, client: Client) -> None:
    client.execute("RENAME TABLE pulse TO away")
    asked: list[int] = []

    def take() -> Heartbeat:
        asked.append(1)
        return HEARTBEAT

    deadline = time.monotonic() + 30
    with heartbeats(clickhouse, take, seconds=0.02):
        while len(asked) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        client.execute("RENAME TABLE away TO pulse")
        while not client.execute("SELECT count() FROM pulse")[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
