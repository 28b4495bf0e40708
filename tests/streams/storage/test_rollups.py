"""A roll-up that is filled at once has everything that was stored before."""

from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh

pytestmark = pytest.mark.clickhouse

SLOW = """
CREATE MATERIALIZED VIEW refresh_slow REFRESH AFTER 1 YEAR TO slow AS
SELECT number, sleepEachRow(0.5) AS slept FROM source
"""


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    yield client
    for name in ("refresh_slow", "slow", "source"):
        client.execute(f"DROP TABLE IF EXISTS {name} SYNC")
    client.disconnect()


def test_what_fills_it_already_is_not_taken_for_what_was_asked_for(client: Client) -> None:
    client.execute("CREATE TABLE source (number UInt8) ENGINE = MergeTree ORDER BY number")
    client.execute("CREATE TABLE slow (number UInt8, slept UInt8) ENGINE = MergeTree ORDER BY number")
    client.execute("INSERT INTO source VALUES (1)")
    client.execute(SLOW)
    filling = "SELECT count() FROM system.view_refreshes WHERE view = 'refresh_slow' AND status = 'Running'"
    while client.execute(filling) == [(0,)]:
        pass
    client.execute("INSERT INTO source VALUES (2)")
    refresh(client, ["refresh_slow"])
    assert client.execute("SELECT number FROM slow ORDER BY number") == [(1,), (2,)]
