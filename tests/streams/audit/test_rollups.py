"""The audit of roll-ups: what nothing fills, and what is filled wrongly, is told; what is only behind is not."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_driver import Client

from schemas.ddl import views
from streams.audit.findings import Finding
from streams.audit.rollups import rollup_findings
from streams.storage import clickhouse_client
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh

pytestmark = pytest.mark.clickhouse

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    put(client, received=3, pos=1)
    yield client
    client.disconnect()


def put(client: Client, *, received: int, pos: int) -> None:
    row = ("H01", YESTERDAY.replace(minute=0, second=0), 0, pos, received)
    client.execute("INSERT INTO windows (agency, window, partition, pos, received) VALUES", [row])


def found(client: Client, plan: Plan) -> list[Finding]:
    return list(rollup_findings(client, plan.profile, lambda _: None))


def test_what_is_only_behind_is_no_difference(client: Client, plan: Plan) -> None:
    assert found(client, plan) == []
    put(client, received=5, pos=2)
    assert found(client, plan) == []
    assert client.execute("SELECT sum(received) FROM city_past WHERE is_day") == [(5,)]


def test_a_rollup_that_is_filled_wrongly_is_found(client: Client, plan: Plan) -> None:
    # As if somebody had replaced what fills it.
    client.execute("DROP VIEW refresh_city_past")
    client.execute(
        "CREATE MATERIALIZED VIEW refresh_city_past REFRESH AFTER 5 MINUTE TO city_past AS "
        "SELECT toStartOfDay(now(), 'Asia/Ho_Chi_Minh') AS until, true AS is_day, "
        "toDateTime(toStartOfDay(window, 'Asia/Ho_Chi_Minh'), 'UTC') AS start, sum(received) + 4 AS received "
        "FROM windows FINAL GROUP BY start"
    )
    (wrong,) = found(client, plan)
    assert (wrong.kind, wrong.stored, wrong.recomputed) == ("rollups", "7", "3")
    assert wrong.place.startswith("city_past day ")
    assert wrong.place.endswith(" received")


def test_one_that_fails_is_found_and_one_that_failed_before_is_not(client: Client, plan: Plan) -> None:
    (script,) = [view for view in views(plan.profile) if view.name == "refresh_city_waiting.sql"]
    drop, create = script.statements
    fails = "throwIf((SELECT count() FROM windows WHERE agency = 'full') > 0, 'no space')"
    client.execute(drop)
    client.execute("INSERT INTO windows (agency, window, partition, pos) VALUES ('full', '2026-03-02 01:00:00', 0, 1)")
    client.execute(create.replace("FROM waiting", f"FROM waiting WHERE NOT {fails}"))
    has_failed = (
        "SELECT count() FROM system.view_refreshes "
        "WHERE view = 'refresh_city_waiting' AND database = currentDatabase() AND exception != ''"
    )
    deadline = time.monotonic() + 60
    while client.execute(has_failed) != [(1,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (failed,) = found(client, plan)
    assert failed.place == "refresh_city_waiting"
    assert "no space" in failed.stored
    client.execute("ALTER TABLE windows DELETE WHERE agency = 'full' SETTINGS mutations_sync = 1")
    assert found(client, plan) == []


@pytest.mark.parametrize("view", ["refresh_city_past", "refresh_city_waiting", "refresh_data_conflicts"])
def test_one_that_was_stopped_is_found(client: Client, plan: Plan, view: str) -> None:
    client.execute(f"SYSTEM STOP VIEW {view}")
    # One that is being filled at this moment is first let go.
    is_stopped = (
        "SELECT count() FROM system.view_refreshes "
        f"WHERE view = '{view}' AND database = currentDatabase() AND status = 'Disabled'"
    )
    deadline = time.monotonic() + 30
    while client.execute(is_stopped) != [(1,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [(each.place, each.stored) for each in found(client, plan)] == [(view, "is disabled")]
    client.execute(f"SYSTEM START VIEW {view}")
    assert found(client, plan) == []


def test_filling_may_take_longer_than_an_answer(client: Client, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    client.execute("CREATE TABLE slow (a UInt8) ENGINE = MergeTree ORDER BY a")
    client.execute(
        "CREATE MATERIALIZED VIEW refresh_slow REFRESH EVERY 10 YEAR TO slow EMPTY AS "
        "SELECT toUInt8(number) AS a FROM numbers(4) WHERE sleepEachRow(1) = 0 SETTINGS max_block_size = 1"
    )
    monkeypatch.setattr(clickhouse_client, "_TIMEOUT_SECONDS", 2)
    impatient = connect(plan.clickhouse)
    refresh(impatient, ["refresh_slow"])
    assert impatient.execute("SELECT count() FROM slow") == [(4,)]
    impatient.disconnect()
    client.execute("DROP VIEW refresh_slow")
    client.execute("DROP TABLE slow")
