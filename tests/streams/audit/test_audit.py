"""The audit agrees with the counting, which it repeats in SQL, and finds whatever is otherwise."""

from collections.abc import Iterator
from random import Random

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.events import (
    AnyEvent,
    Event,
    Extended,
    FeedbackAnswered,
    FeedbackReceived,
    Paid,
    Progressed,
    Received,
    Resolved,
    SupplementRequested,
    TermSet,
)
from schemas.partition import partition_of
from schemas.tables import EVENTS, FACTS, PROGRESS, WINDOWS
from streams.audit.audit_run import audit
from streams.audit.findings import FactsDifference, WindowDifference
from streams.errors import NotMigrated, Unreachable
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables
from tests.strategies import conflicting_events, events_of
from tests.streams.cases import DATE, INSTANT, at, said
from tests.streams.counted import PARTITIONS, count

pytestmark = pytest.mark.clickhouse

RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online")
ON_THE_LAST_DAY = (
    RECEIVED,
    said(TermSet, "2026-03-02 08:01", term=at("2026-03-09 16:00")),
    said(Resolved, "2026-03-09 17:30"),
)
PARTITION = partition_of("D1", PARTITIONS)


@pytest.fixture(scope="module")
def database(clickhouse_server: ClickHouseConnection) -> Iterator[Client]:
    """One database for all tests of this module: making one takes longer than most of them."""
    connection = structs.replace(clickhouse_server, database="test_audit")
    make_tables(Plan(KafkaConnection("127.0.0.1:1"), connection, INSTANT, 8, 1, False), lambda _: None, dry_run=False)
    client = connect(connection)
    yield client
    client.execute("DROP DATABASE test_audit SYNC")
    client.disconnect()


def emptied(client: Client) -> None:
    for table in (EVENTS, FACTS, WINDOWS, PROGRESS):
        client.execute(f"TRUNCATE TABLE {table.name}")


@pytest.fixture
def client(database: Client) -> Client:
    """A client of an empty database."""
    emptied(database)
    return database


@pytest.fixture
def empty(client: Client, clickhouse_server: ClickHouseConnection) -> ClickHouseConnection:
    """The connection to the same."""
    assert client.execute("SELECT count() FROM events")[0][0] == 0
    return structs.replace(clickhouse_server, database="test_audit")


@pytest.fixture
def counted(empty: ClickHouseConnection) -> ClickHouseConnection:
    """The same, with four sound cases."""
    count(
        empty,
        *ON_THE_LAST_DAY,
        said(Progressed, "2026-03-03 09:00", step="review", unit="land", official="CB-1"),
        said(SupplementRequested, "2026-03-04 09:00"),
        said(Received, "2026-03-02 08:30", dossier="D2", agency="H01"),
        said(Received, "2026-03-02 08:30", dossier="D3", agency="H02"),
        said(Progressed, "2026-03-02 08:30", dossier="not received", step="review"),
    )
    return empty


CASE = st.tuples(
    events_of("D", [Received]) | events_of("D", [Received]) | events_of("D", [FeedbackReceived]),
    events_of("D", [TermSet, Extended]),
    events_of("D", [Resolved, FeedbackAnswered]),
    st.lists(events_of("D") | conflicting_events(["D"]), min_size=2, max_size=8),
)
"""Most cases are received and come to an end: others count nothing, and would show nothing."""


EDGES = (
    # A result in the first second of the local day after the term's, which is one day in UTC.
    said(Received, "2026-03-02 08:00", dossier="edge 1", agency="H01"),
    said(TermSet, "2026-03-02 08:00", dossier="edge 1", term=at("2026-03-09 23:59:59")),
    said(Resolved, "2026-03-10 00:00", dossier="edge 1"),
    # In the last minutes of the local day before the term's: early, although it is one day in UTC.
    said(Received, "2026-03-02 08:00", dossier="edge 0", agency="H01"),
    said(TermSet, "2026-03-02 08:00", dossier="edge 0", term=at("2026-03-10 06:00")),
    said(Resolved, "2026-03-09 23:30", dossier="edge 0"),
    # At the term's very instant, which is in time.
    said(Received, "2026-03-02 08:00", dossier="edge 2", agency="H01"),
    said(TermSet, "2026-03-02 08:00", dossier="edge 2", term=at("2026-03-09 16:00")),
    said(Resolved, "2026-03-09 16:00", dossier="edge 2"),
    # Nothing was paid, online, and nothing given back of it.
    said(Received, "2026-03-02 08:00", dossier="edge 3", agency="H01", fee_bearing=True),
    said(Paid, "2026-03-02 08:00", dossier="edge 3", transaction="1", amount=0, method="online"),
)


def many_cases() -> list[Event]:
    """Events of a hundred cases and more, mixed."""
    found: list[Event] = list(EDGES)

    @settings(max_examples=150, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(CASE)
    def collect(case: tuple[AnyEvent, AnyEvent, AnyEvent, list[AnyEvent]]) -> None:
        *begun, more = case
        dossier = f"D{len(found)}"
        found.extend(structs.replace(event, dossier=dossier) for event in (*begun, *more))

    collect()
    Random(7).shuffle(found)
    return found


@pytest.mark.parametrize("profile", [INSTANT, DATE])
def test_what_was_counted_is_what_the_audit_recomputes(clickhouse: ClickHouseConnection, profile: Profile) -> None:
    events = many_cases()
    count(clickhouse, *events, profile=profile)
    found = audit(clickhouse, profile)
    # No shrinking here: one database for all cases is quick, and what differs names its case.
    assert (found.window_differences, found.facts_differences) == ([], [])
    assert found.dossiers == len({event.dossier for event in events}) > 100
    assert found.windows > 50


def test_a_term_is_held_by_the_rule_of_the_profile(empty: ClickHouseConnection) -> None:
    count(empty, *ON_THE_LAST_DAY, profile=DATE)
    # The views of this database lead with another rule, so their figures differ.
    sound = audit(empty, DATE)
    assert (sound.window_differences, sound.facts_differences) == ([], [])
    found = audit(empty, INSTANT)
    assert [(each.counter, each.stored, each.recomputed) for each in found.window_differences] == [
        ("resolved_on_time", 1, 0)
    ]
    assert [(each.column, each.stored, each.recomputed) for each in found.facts_differences] == [
        ("on_time", "True", "False")
    ]


def test_sound_cases_differ_in_nothing(counted: ClickHouseConnection) -> None:
    found = audit(counted, INSTANT)
    assert (found.dossiers, found.events, found.windows, found.differences, found.conflicts) == (4, 8, 5, 0, 0)


def test_an_empty_database_is_sound(empty: ClickHouseConnection) -> None:
    found = audit(empty, INSTANT)
    assert (found.dossiers, found.events, found.windows, found.differences, found.conflicts) == (0, 0, 0, 0, 0)


def test_contents_that_share_an_id_are_counted_as_conflicts(empty: ClickHouseConnection) -> None:
    other = structs.replace(RECEIVED, channel="postal")
    count(empty, other, *ON_THE_LAST_DAY)
    found = audit(empty, INSTANT)
    assert (found.differences, found.conflicts, found.events) == (0, 1, 4)


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
    client.execute(
        "INSERT INTO windows (agency, window, partition, pos, rated) VALUES", [("H09", at("2026-03-02 08:00"), 1, 9, 3)]
    )
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
        ("official", "'CB-2'", "CB-2", "CB-1"),
        ("apologies", "7", "7", "0"),
        ("on_time", "NULL", "None", "False"),
        ("step_at", "NULL", "None", "1772503200000000"),
        ("payment_refunded", "[5]", "[5]", "[]"),
        ("satisfied", "true", "True", "False"),
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
        f"INSERT INTO facts SELECT * REPLACE ('{name}' AS dossier) FROM facts WHERE facts.dossier = 'not received'"
    )
    found = audit(counted, INSTANT)
    assert found.facts_differences == [FactsDifference(name, "dossier", name, "missing")]
    assert found.window_differences == []


def test_events_that_were_lost_are_found(counted: ClickHouseConnection, client: Client) -> None:
    client.execute("DELETE FROM events WHERE dossier = 'D1' AND kind = 'progressed'")
    differing = {each.column for each in audit(counted, INSTANT).facts_differences}
    assert differing == {"registers", "step", "unit", "official", "step_at"}


def test_a_database_that_was_never_migrated_is_told(clickhouse_server: ClickHouseConnection) -> None:
    with pytest.raises(NotMigrated, match="run `dossier migrate`"):
        audit(structs.replace(clickhouse_server, database="nowhere"), INSTANT)


def test_a_database_that_is_away_is_told() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 does not answer"):
        audit(ClickHouseConnection("127.0.0.1", 1), INSTANT)
