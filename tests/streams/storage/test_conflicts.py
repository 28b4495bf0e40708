"""What two records say that cannot both be so is flagged, and what is flagged counts as ever."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.events import (
    Event,
    FeedbackAnswered,
    FeedbackReceived,
    Paid,
    Received,
    Refunded,
    Resolved,
    Voided,
)
from schemas.tables import EVENTS, FACTS, PROGRESS, WINDOWS
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh
from streams.storage.table_migration import make_tables
from tests.streams.cases import INSTANT, at, said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse

AG1 = said(Received, "2026-03-02 08:00", agency="AG1", source="a")
AG2 = said(Received, "2026-03-02 09:00", agency="AG2", source="b")
PAID = said(Paid, "2026-03-02 08:10", transaction="T1", amount=50_000, method="online")


class Conflict(NamedTuple):
    kind: str
    dossier: str
    agency: str
    detail: str


@pytest.fixture(scope="module")
def database(clickhouse_server: ClickHouseConnection) -> Iterator[ClickHouseConnection]:
    """One database for all tests of this module."""
    connection = structs.replace(clickhouse_server, database="test_conflicts")
    make_tables(Plan(KafkaConnection("127.0.0.1:1"), connection, INSTANT, 8, 1, False), lambda _: None, dry_run=False)
    yield connection
    client = connect(connection)
    client.execute("DROP DATABASE test_conflicts SYNC")
    client.disconnect()


@pytest.fixture
def client(database: ClickHouseConnection) -> Iterator[Client]:
    """A client of a database without events."""
    client = connect(database)
    for table in (EVENTS, FACTS, WINDOWS, PROGRESS):
        client.execute(f"TRUNCATE TABLE {table.name}")
    yield client
    client.disconnect()


def flagged(client: Client, database: ClickHouseConnection, *events: Event) -> list[Conflict]:
    """What is flagged once these events are counted."""
    count(database, *events)
    refresh(client, ["refresh_data_conflicts"])
    rows = client.execute("SELECT kind, dossier, agency, detail FROM data_conflicts ORDER BY ALL")
    return [Conflict(*row) for row in rows]


@pytest.mark.parametrize("order", [1, -1])
def test_one_id_from_two_sources_is_flagged_where_only_one_of_them_counts(
    client: Client, database: ClickHouseConnection, order: int
) -> None:
    assert flagged(client, database, *(AG1, AG2)[::order]) == [
        Conflict("two_agencies", "D1", "AG2", "AG1, AG2"),
        Conflict("two_sources", "D1", "AG2", "a, b"),
    ]
    assert client.execute("SELECT agency, received FROM agency_windows WHERE period = 'year' AND received") == [
        ("AG2", 1)
    ]
    assert client.execute("SELECT toString(since) FROM data_conflicts LIMIT 1") == [("2026-03-02 02:00:00.000000",)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_feedback_with_the_id_of_a_dossier_is_flagged_and_the_dossier_counts(
    client: Client, database: ClickHouseConnection, order: int
) -> None:
    feedback = (
        said(FeedbackReceived, "2026-03-20 09:00", agency="AG2", source="a"),
        said(FeedbackAnswered, "2026-03-21 09:00", source="a"),
    )
    found = flagged(client, database, *(AG1, said(Resolved, "2026-03-09 09:00"), *feedback)[::order])
    assert found == [Conflict("dossier_and_feedback", "D1", "AG1", "a feedback has the id of this dossier")]
    shown = "SELECT agency, received, resolved, feedback_received, feedback_answered FROM agency_windows"
    assert client.execute(f"{shown} WHERE period = 'year' AND received") == [("AG1", 1, 1, 0, 0)]


TWICE = said(Received, "2026-03-02 08:00", agency="AG1", source="a", channel="postal", id="another row")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([AG1, TWICE], [("two_channels", "direct, postal")]),
        # A correction says later what is so.
        ([AG1, structs.replace(TWICE, recorded_at=at("2026-03-05 08:00"))], []),
        ([AG1, structs.replace(TWICE, seq=1)], []),
        ([AG1, PAID, said(Refunded, "2026-03-03 08:00", transaction="T1", amount=50_000)], []),
        (
            [AG1, PAID, said(Refunded, "2026-03-03 08:00", transaction="T1", amount=50_001)],
            [("refunds_exceed_payments", "50001 back of 50000")],
        ),
        (
            [AG1, said(Refunded, "2026-03-03 08:00", transaction="T2", amount=1)],
            [("refunds_exceed_payments", "1 back of 0")],
        ),
        # 62 days before, and "on time".
        ([AG1, said(Resolved, "2025-12-30 08:00")], [("outcome_before_reception", f"{62 * 86_400} seconds before")]),
        ([AG1, said(Resolved, "2026-03-02 07:59")], [("outcome_before_reception", "60 seconds before")]),
        # A result of that day, by a source that knows days alone.
        ([AG1, said(Resolved, "2026-03-02 00:00")], []),
        ([AG1, said(Resolved, "2026-03-01 00:00")], [("outcome_before_reception", f"{32 * 3600} seconds before")]),
        ([AG1, said(Resolved, "2026-03-02 08:00")], []),
        ([AG1, AG2, said(Voided, "2026-03-03 08:00")], []),
    ],
)
def test_what_cannot_be_so_is_flagged(
    client: Client, database: ClickHouseConnection, events: list[Event], expected: list[tuple[Any, ...]]
) -> None:
    assert [(each.kind, each.detail) for each in flagged(client, database, *events)] == expected


def test_one_transaction_in_two_dossiers_is_flagged_in_both(client: Client, database: ClickHouseConnection) -> None:
    other = structs.replace(PAID, dossier="D2", id="other")
    elsewhere = structs.replace(PAID, dossier="D3", id="elsewhere", gateway="another one")
    received = [structs.replace(AG1, dossier=f"D{number}") for number in (1, 2, 3)]
    assert flagged(client, database, *received, PAID, other, elsewhere) == [
        Conflict("shared_transaction", "D1", "AG1", "also in D2"),
        Conflict("shared_transaction", "D2", "AG1", "also in D1"),
    ]
