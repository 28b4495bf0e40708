"""The audit agrees with the counting, which it repeats in SQL, and finds whatever is otherwise."""

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.connection import ClickHouseConnection
from schemas.events import AnyEvent, Extended, Paid, Progressed, Received, Resolved, SupplementRequested, TermSet
from schemas.profile import Profile
from schemas.tables import EVENTS, FACTS, PROGRESS, WINDOWS
from streams.audit import FactsDifference, WindowDifference, audit
from streams.clickhouse import ClickHouseStore, connect
from streams.errors import NotMigrated, Unreachable
from tests.strategies import AGENCIES, DOSSIERS, conflicting_events, events
from tests.streams.cases import DATE, INSTANT, at, said
from tests.streams.counted import PARTITIONS, count
from tests.streams.log import partition_of

pytestmark = pytest.mark.clickhouse

RECEIVED_AND_MORE = st.lists(
    events() | conflicting_events() | events(kinds=[Received, TermSet, Extended, Resolved, Paid]),
    min_size=1,
    max_size=60,
)
"""Most cases are received and come to an end: others count nothing, and would show nothing."""


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


def emptied(client: Client) -> None:
    for table in (EVENTS, FACTS, WINDOWS, PROGRESS):
        client.execute(f"TRUNCATE TABLE {table.name}")


@pytest.mark.parametrize("profile", [INSTANT, DATE, Profile(time_zone="America/New_York", terms="date")])
def test_what_was_counted_is_what_the_audit_recomputes(
    clickhouse: ClickHouseConnection, client: Client, profile: Profile
) -> None:
    compared = 0

    @settings(max_examples=8, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(RECEIVED_AND_MORE)
    def agrees(events: list[AnyEvent]) -> None:
        nonlocal compared
        emptied(client)
        count(clickhouse, *events, profile=profile)
        found = audit(clickhouse, profile)
        assert (found.window_differences, found.facts_differences) == ([], [])
        assert found.dossiers == len({event.dossier for event in events})
        assert found.windows == client.execute("SELECT count() FROM windows FINAL")[0][0]
        compared += found.windows

    agrees()
    assert compared > 10


RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online")
ON_THE_LAST_DAY = (
    RECEIVED,
    said(TermSet, "2026-03-02 08:01", term=at("2026-03-09 16:00")),
    said(Resolved, "2026-03-09 17:30"),
)


def test_a_term_is_held_by_the_rule_of_the_profile(clickhouse: ClickHouseConnection) -> None:
    count(clickhouse, *ON_THE_LAST_DAY, profile=DATE)
    assert audit(clickhouse, DATE).differences == 0
    found = audit(clickhouse, INSTANT)
    assert [(each.counter, each.stored, each.recomputed) for each in found.window_differences] == [
        ("resolved_on_time", 1, 0)
    ]
    assert [(each.column, each.stored, each.recomputed) for each in found.facts_differences] == [
        ("on_time", "True", "False")
    ]


def test_an_empty_database_is_sound(clickhouse: ClickHouseConnection) -> None:
    found = audit(clickhouse, INSTANT)
    assert (found.dossiers, found.events, found.windows, found.differences, found.conflicts) == (0, 0, 0, 0, 0)


def test_contents_that_share_an_id_are_counted_as_conflicts(clickhouse: ClickHouseConnection) -> None:
    other = structs.replace(RECEIVED, channel="postal")
    count(clickhouse, RECEIVED, other, *ON_THE_LAST_DAY)
    found = audit(clickhouse, INSTANT)
    assert (found.differences, found.conflicts, found.events) == (0, 1, 4)


PARTITION = partition_of("D1", PARTITIONS)


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    """A database with four sound cases."""
    count(
        clickhouse,
        *ON_THE_LAST_DAY,
        said(Progressed, "2026-03-03 09:00", step="review", unit="land"),
        said(SupplementRequested, "2026-03-04 09:00"),
        said(Received, "2026-03-02 08:30", dossier="D2", agency="H01"),
        said(Received, "2026-03-02 08:30", dossier="D3", agency="H02"),
        said(Progressed, "2026-03-02 08:30", dossier="not received", step="review"),
    )
    assert audit(clickhouse, INSTANT).differences == 0
    return clickhouse


@pytest.mark.parametrize(
    ("counter", "agency", "window", "wrong", "right"),
    [
        ("received", "H01", "2026-03-02T01:00:00+00:00", 8, 1),
        ("received_online", "H01", "2026-03-02T01:00:00+00:00", 0, 1),
        ("paid_amount", "H01", "2026-03-02T01:00:00+00:00", -5, 0),
        ("resolved_on_time", "H01", "2026-03-09T10:30:00+00:00", 1, 0),
    ],
)
def test_a_counter_that_is_wrong_is_found(
    counted: ClickHouseConnection, client: Client, counter: str, agency: str, window: str, wrong: int, right: int
) -> None:
    client.execute(
        f"INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, {wrong} AS {counter}) FROM windows FINAL "
        f"WHERE agency = '{agency}' AND window = parseDateTimeBestEffort('{window}')"
    )
    found = audit(counted, INSTANT)
    assert found.window_differences == [WindowDifference(agency, window, PARTITION, counter, wrong, right)]
    assert found.facts_differences == []


def test_a_window_that_nobody_counted_is_found(counted: ClickHouseConnection, client: Client) -> None:
    client.execute("INSERT INTO windows (agency, window, partition, pos, rated) VALUES", [("H09", at("2026-03-02 08:00"), 1, 9, 3)])
    found = audit(counted, INSTANT)
    assert found.window_differences == [WindowDifference("H09", "2026-03-02T01:00:00+00:00", 1, "rated", 3, 0)]


def test_a_window_that_was_lost_is_found_counter_by_counter(counted: ClickHouseConnection, client: Client) -> None:
    client.execute("DELETE FROM windows WHERE agency = 'H01' AND received_online = 1")
    found = audit(counted, INSTANT)
    assert [(each.counter, each.stored, each.recomputed) for each in found.window_differences] == [
        ("received", 0, 1),
        ("received_online", 0, 1),
    ]


@pytest.mark.parametrize(
    ("column", "sql", "wrong", "right"),
    [
        ("step", "'elsewhere'", "elsewhere", "review"),
        ("apologies", "7", "7", "0"),
        ("on_time", "NULL", "None", "False"),
        ("step_at", "NULL", "None", "1772503200000000"),
        ("payment_refunded", "[5]", "(5,)", "[]"),
        ("electronic_result", "true", "True", "False"),
    ],
)
def test_a_fact_that_is_wrong_is_found(
    counted: ClickHouseConnection, client: Client, column: str, sql: str, wrong: str, right: str
) -> None:
    client.execute(
        f"INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, {sql} AS {column}) FROM facts FINAL WHERE dossier = 'D1'"
    )
    found = audit(counted, INSTANT)
    assert found.window_differences == []
    assert found.facts_differences == [FactsDifference("D1", column, wrong, right)]


def test_registers_that_are_wrong_are_found(counted: ClickHouseConnection, client: Client) -> None:
    client.execute(
        "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, unhex('80') AS registers) FROM facts FINAL "
        "WHERE dossier = 'D1'"
    )
    (difference,) = audit(counted, INSTANT).facts_differences
    assert (difference.dossier, difference.column, difference.stored) == ("D1", "registers", "\\x80")


def test_facts_that_were_lost_are_found_and_what_they_had_counted(
    counted: ClickHouseConnection, client: Client
) -> None:
    client.execute("DELETE FROM facts WHERE dossier = 'D3'")
    found = audit(counted, INSTANT)
    assert found.facts_differences == [FactsDifference("D3", "dossier", "missing", "D3")]
    assert [(each.agency, each.counter, each.stored, each.recomputed) for each in found.window_differences] == [
        ("H02", "received", 1, 0)
    ]


@pytest.mark.parametrize("name", ["A before all", "D2a", "Z after all", "Đ"])
def test_facts_without_events_are_found(counted: ClickHouseConnection, client: Client, name: str) -> None:
    client.execute(
        f"INSERT INTO facts SELECT * REPLACE ('{name}' AS dossier) FROM facts FINAL WHERE dossier = 'not received'"
    )
    found = audit(counted, INSTANT)
    assert found.facts_differences == [FactsDifference(name, "dossier", name, "missing")]
    assert found.window_differences == []


def test_events_that_were_lost_are_found(counted: ClickHouseConnection, client: Client) -> None:
    client.execute("DELETE FROM events WHERE dossier = 'D1' AND kind = 'progressed'")
    differing = {each.column for each in audit(counted, INSTANT).facts_differences}
    assert differing == {"registers", "step", "unit", "step_at"}


def test_what_differs_only_while_workers_count_is_looked_at_again(
    counted: ClickHouseConnection, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.execute("INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, 5 AS received) FROM windows FINAL")
    looks = 0

    def counted_meanwhile(_: ClickHouseStore) -> list[tuple[Any, ...]]:
        nonlocal looks
        looks += 1
        if looks == 2:
            client.execute("DELETE FROM windows WHERE received = 5")
        return [("t", 0, min(looks, 2))]

    monkeypatch.setattr(ClickHouseStore, "read_counted", counted_meanwhile)
    found = audit(counted, INSTANT)
    assert looks == 4
    assert {each.stored for each in found.window_differences} == {0}


def test_a_database_that_was_never_migrated_is_told(clickhouse_server: ClickHouseConnection) -> None:
    with pytest.raises(NotMigrated, match="run `dossier migrate`"):
        audit(structs.replace(clickhouse_server, database="nowhere"), INSTANT)


def test_a_database_that_is_away_is_told() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 does not answer"):
        audit(ClickHouseConnection("127.0.0.1", 1), INSTANT)
