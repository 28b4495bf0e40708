"""What tables do not say of each other: cases that were taken out of all of them, and progress that was moved."""

from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from schemas.connection import ClickHouseConnection
from schemas.events import Received
from schemas.partition import partition_of
from streams.audit.audit_run import audit
from streams.audit.findings import Finding
from streams.storage.clickhouse_client import connect
from tests.streams.cases import INSTANT, said
from tests.streams.counted import PARTITIONS, count

pytestmark = pytest.mark.clickhouse

NAMES = [f"D{number}" for number in range(40)]
OURS = [name for name in NAMES if partition_of(name, PARTITIONS) == 0]


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    """Forty sound cases, each in a window of its own."""
    received = [
        said(Received, f"2026-03-{1 + at // 24:02} {at % 24:02}:00", dossier=name, agency="H01")
        for at, name in enumerate(NAMES)
    ]
    count(clickhouse, *received)
    return clickhouse


@pytest.fixture
def client(counted: ClickHouseConnection) -> Iterator[Client]:
    client = connect(counted)
    yield client
    client.disconnect()


def take_out(client: Client, name: str) -> None:
    """Delete a case from events, facts and windows, as somebody would who knows the tables."""
    ((at,),) = client.execute(f"SELECT toUnixTimestamp64Milli(received_at) FROM facts FINAL WHERE dossier = '{name}'")
    client.execute(f"DELETE FROM windows WHERE toUnixTimestamp(window) = {at // 1000}")
    for table in ("events", "facts"):
        client.execute(f"DELETE FROM {table} WHERE dossier = '{name}'")


def test_sound_counts_have_nothing(counted: ClickHouseConnection) -> None:
    assert audit(counted, INSTANT).findings == []


@pytest.mark.parametrize("which", [0, 5, -1], ids=["the first", "one", "the last"])
def test_a_case_that_was_taken_out_of_every_table_leaves_its_number(
    counted: ClickHouseConnection, client: Client, which: int
) -> None:
    take_out(client, OURS[which])
    found = audit(counted, INSTANT)
    number = range(1, len(OURS) + 1)[which]
    assert (found.facts_differences, found.window_differences) == ([], [])
    assert found.findings == [
        Finding(
            "numbers",
            "partition 0",
            f"{len(OURS) - 1} of its {len(OURS)} cases",
            f"also those with numbers {number}",
        )
    ]


def test_progress_that_was_moved_is_found(counted: ClickHouseConnection, client: Client) -> None:
    client.execute(
        "INSERT INTO progress SELECT * REPLACE (pos + 3 * 4096 AS pos, offset + 3 AS offset) FROM progress FINAL "
        "WHERE partition = 0"
    )
    last = len(OURS) - 1
    assert audit(counted, INSTANT).findings == [
        Finding(
            "progress",
            "partition 0",
            f"offset {last + 3}",
            f"offset {last}, after {len(OURS)} records and 0 offsets without one",
        )
    ]


def test_an_alert_that_was_taken_out_is_found(counted: ClickHouseConnection, client: Client) -> None:
    client.execute("INSERT INTO dossier_alerts (seq, dossier) VALUES", [(1, "D1"), (2, "D2"), (4, "D4")])
    assert audit(counted, INSTANT).findings == [
        Finding("alerts", "dossier_alerts", "3 alerts", "4, numbered without gaps")
    ]


def test_cases_of_before_there_were_numbers_are_no_difference(counted: ClickHouseConnection, client: Client) -> None:
    client.execute("INSERT INTO facts SELECT * REPLACE (0 AS number) FROM facts FINAL")
    client.execute("INSERT INTO progress SELECT * REPLACE (0 AS dossiers) FROM progress FINAL")
    assert audit(counted, INSTANT).differences == 0
