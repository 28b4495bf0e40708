"""A sound database is exact; whatever is corrupted in it is found and told."""

from collections.abc import Iterator

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from chaos.oracle.expected_rows import Expected, expected
from chaos.verdict import Stored, Verdict, judge, stored_in
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.events import AnyEvent, Event, Paid, Received, Resolved
from schemas.tables import EVENTS, FACTS, PROGRESS, WINDOWS
from streams.errors import NotMigrated, Unreachable
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables
from tests.strategies import conflicting_events, events
from tests.streams.cases import INSTANT, said
from tests.streams.counted import PARTITIONS, count

RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online")
HISTORY = (
    RECEIVED,
    said(Paid, "2026-03-02 08:10", transaction="T", amount=50, method="online"),
    said(Resolved, "2026-03-02 09:00"),
    said(Received, "2026-03-02 08:01", dossier="Đ-2", agency="Sở Xây dựng"),
)
EXACT = Verdict(0, 0, 0, 0)


def should_be(*history: Event) -> Expected:
    return expected(history, partitions=PARTITIONS, terms="instant", time_zone="Asia/Ho_Chi_Minh")


def all_of(found: Expected) -> Stored:
    return Stored(list(found.facts.items()), list(found.windows.items()), list(found.events))


def test_what_was_expected_is_exact() -> None:
    verdict = judge(should_be(*HISTORY), all_of(should_be(*HISTORY)))
    assert verdict == EXACT
    assert verdict.exact


def test_a_lost_event_is_missing_everywhere() -> None:
    verdict = judge(should_be(*HISTORY), all_of(should_be(*HISTORY[:3])))
    assert (verdict.facts, verdict.windows, verdict.lost, verdict.doubled) == (1, 1, 2, 0)
    assert not verdict.exact
    assert verdict.examples[0] == "facts of 'Đ-2' are not stored"
    assert verdict.examples[1].startswith("window 'Sở Xây dựng' 2026-03-02T01:00:00+00:00 of partition")
    assert verdict.examples[1].endswith("received is 0, should be 1")
    assert "is not stored" in verdict.examples[2]


def test_an_event_that_nobody_sent_is_too_much_everywhere() -> None:
    verdict = judge(should_be(*HISTORY[:3]), all_of(should_be(*HISTORY)))
    assert (verdict.facts, verdict.windows, verdict.lost, verdict.doubled) == (1, 1, 0, 2)


def test_units_of_all_counters_add_up() -> None:
    twice = all_of(should_be(*HISTORY))
    doubled = [(key, {counter: 2 * amount for counter, amount in counts.items()}) for key, counts in twice.windows]
    verdict = judge(should_be(*HISTORY), structs.replace(twice, windows=doubled))
    # received and received_online, received; payments, payments_online, paid_amount; resolved, resolved_on_time, and of
    # the verdicts all but form_early
    assert verdict.doubled == 3 + 52 + 2 + 5
    assert (verdict.facts, verdict.lost, verdict.windows) == (0, 0, len(doubled))


def test_only_a_few_differences_of_each_sort_are_told() -> None:
    many = [structs.replace(RECEIVED, dossier=f"D{number}") for number in range(50)]
    verdict = judge(should_be(*many), Stored([], [], []))
    assert (verdict.facts, len(verdict.examples)) == (50, 5 + 2 + 5)


@pytest.fixture(scope="module")
def database(clickhouse_server: ClickHouseConnection) -> Iterator[ClickHouseConnection]:
    """One database for all tests of this module: making one takes longer than most of them."""
    connection = structs.replace(clickhouse_server, database="test_verdict")
    make_tables(Plan(KafkaConnection("127.0.0.1:1"), connection, INSTANT, 8, 1, False), lambda _: None, dry_run=False)
    yield connection
    client = connect(clickhouse_server)
    client.execute("DROP DATABASE test_verdict SYNC")
    client.disconnect()


@pytest.fixture
def client(database: ClickHouseConnection) -> Iterator[Client]:
    """A connection to the emptied database."""
    client = connect(database)
    empty(client)
    yield client
    client.disconnect()


def empty(client: Client) -> None:
    for table in (EVENTS, FACTS, WINDOWS, PROGRESS):
        client.execute(f"TRUNCATE TABLE {table.name}")


@pytest.mark.clickhouse
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(events() | conflicting_events(), min_size=1, max_size=30))
def test_a_sound_database_is_exact_whatever_was_counted(
    database: ClickHouseConnection, client: Client, history: list[AnyEvent]
) -> None:
    empty(client)
    count(database, *history)
    assert judge(should_be(*history), stored_in(database)) == EXACT


@pytest.mark.clickhouse
@pytest.mark.parametrize(
    ("corruption", "verdict", "example"),
    [
        (
            "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, 'H09' AS agency) FROM facts FINAL "
            "WHERE dossier = 'D1'",
            Verdict(1, 0, 0, 0),
            "facts of 'D1': agency is 'H09', should be 'H01'",
        ),
        (
            "INSERT INTO facts SELECT * REPLACE ('D9' AS dossier) FROM "
            "(SELECT * FROM facts FINAL WHERE dossier = 'D1')",
            Verdict(1, 0, 0, 0),
            "facts of 'D9' are stored, but no event names it",
        ),
        (
            "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, unhex('ff') AS agency) FROM facts FINAL "
            "WHERE dossier = 'D1'",
            Verdict(1, 0, 0, 0),
            r"facts of 'D1': agency is '\\xff', should be 'H01'",
        ),
        (
            "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, paid_amount - 30 AS paid_amount) FROM windows FINAL "
            "WHERE payments = 1",
            Verdict(0, 1, 30, 0),
            "paid_amount is 20, should be 50",
        ),
        (
            "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL "
            "WHERE received_online = 1",
            Verdict(0, 1, 0, 1),
            "received is 2, should be 1",
        ),
        (
            "ALTER TABLE windows DELETE WHERE payments = 1 SETTINGS mutations_sync = 2",
            Verdict(0, 1, 52, 0),
            "payments is 0, should be 1, payments_online is 0, should be 1, paid_amount is 0, should be 50",
        ),
        (
            "ALTER TABLE events DELETE WHERE kind = 'paid' SETTINGS mutations_sync = 2",
            Verdict(0, 0, 1, 0),
            f"event {HISTORY[1].id!r} of 'D1' is not stored",
        ),
        (
            "INSERT INTO events (dossier, id, kind, source, occurred_at, recorded_at, payload) "
            "VALUES ('D1', 'x', 'rated', 'test', '2026-03-02 10:00:00', '2026-03-02 10:00:00', '{\"satisfied\":true}')",
            Verdict(0, 0, 0, 1),
            "event 'x' of 'D1' is stored with a content that was never sent",
        ),
    ],
)
def test_what_is_corrupted_in_the_database_is_found(
    database: ClickHouseConnection, client: Client, corruption: str, verdict: Verdict, example: str
) -> None:
    count(database, *HISTORY)
    assert judge(should_be(*HISTORY), stored_in(database)) == EXACT
    client.execute(corruption)
    found = judge(should_be(*HISTORY), stored_in(database))
    assert structs.replace(found, examples=()) == verdict
    assert found.examples[0].endswith(example)


@pytest.mark.clickhouse
def test_a_database_without_tables_or_a_server_that_is_away_is_said(clickhouse_server: ClickHouseConnection) -> None:
    with pytest.raises(NotMigrated):
        judge(should_be(), stored_in(structs.replace(clickhouse_server, database="nowhere")))
    with pytest.raises(Unreachable):
        judge(should_be(), stored_in(ClickHouseConnection("127.0.0.1", 1)))
