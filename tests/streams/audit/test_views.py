"""The audit recomputes what views show, and names each figure that is not what the tables beneath hold."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import views
from schemas.deployment_profile import Profile
from schemas.events import FeedbackAnswered, FeedbackReceived, Paid, Received, Resolved, TermSet
from streams.audit.audit_run import audit
from streams.audit.findings import Finding
from streams.audit.views import view_findings
from streams.storage.clickhouse_client import connect, database
from streams.storage.deployment_plan import Plan
from streams.storage.epochs import Entry, Origin, write_entry
from streams.storage.table_migration import make_tables
from tests.streams.cases import DATE, INSTANT, at, said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse

EVENTS = [
    event
    for number, resolved in enumerate(("2025-12-31 23:59", "2026-01-01 00:00", "2026-03-09 17:00", ""))
    for event in (
        said(Received, "2025-12-01 08:00", dossier=f"D{number}", agency="H01", channel="online", fee_bearing=True),
        said(TermSet, "2025-12-01 08:00", dossier=f"D{number}", term=at("2026-01-01 00:00")),
        said(Paid, "2025-12-01 08:10", dossier=f"D{number}", transaction="1", amount=7, method="online"),
        *([said(Resolved, resolved, dossier=f"D{number}")] if resolved else []),
    )
] + [
    said(FeedbackReceived, "2026-01-01 06:59", dossier="F", agency="H02"),
    said(FeedbackAnswered, "2026-01-01 07:00", dossier="F"),
]


@pytest.fixture(scope="module", params=[INSTANT, DATE], ids=["instant", "date"])
def counted(request: pytest.FixtureRequest, clickhouse_server: ClickHouseConnection) -> Iterator[Plan]:
    """Cases around the turn of a local year."""
    profile: Profile = request.param
    connection = structs.replace(clickhouse_server, database="test_audit_views")
    plan = Plan(KafkaConnection("127.0.0.1:1"), connection, profile, 8, 1, False)
    make_tables(plan, lambda _: None, dry_run=False)
    count(connection, *EVENTS, profile=profile)
    with database(connection) as client:
        write_entry(client, Entry(1, Origin("cluster", "topic", 8, profile.rules), "serving", "", datetime.now(UTC)))
    yield plan
    client = connect(connection)
    client.execute("DROP DATABASE test_audit_views SYNC")
    client.disconnect()


@pytest.fixture
def client(counted: Plan) -> Iterator[Client]:
    client = connect(counted.clickhouse)
    yield client
    client.disconnect()
    make_tables(counted, lambda _: None, dry_run=False)


def replaced(client: Client, profile: Profile, name: str, declared: str, other: str) -> None:
    """Make the view otherwise in this one place."""
    (script,) = [view for view in views(profile) if view.name == f"{name}.sql"]
    assert declared in script.statements[-1]
    client.execute(script.statements[-1].replace(declared, other))


def looked_at(client: Client, profile: Profile) -> list[Finding]:
    return view_findings(client, profile, lambda _: None)


def test_views_that_are_as_declared_show_what_tables_hold(counted: Plan, client: Client) -> None:
    assert client.execute("SELECT sum(resolved) FROM agency_windows WHERE period = 'year'") == [(3,)]
    assert looked_at(client, counted.profile) == []


def test_a_view_that_shows_every_result_as_on_time_is_found(counted: Plan, client: Client) -> None:
    declared, other = "sum(by_period.resolved_on_time) AS", "sum(by_period.resolved) AS"
    replaced(client, counted.profile, "agency_windows", declared, other)
    found = looked_at(client, counted.profile)
    assert found[0].place == "agency_windows"
    year = [each for each in found if each.place.startswith("agency_windows year 2026 H01 ")]
    assert year == [
        Finding("views", "agency_windows year 2026 H01 resolved_on_time", "2", "1"),
    ]
    assert audit(counted.clickhouse, counted.profile).differences == len(found)


@pytest.mark.parametrize(
    ("name", "declared", "other", "place"),
    [
        ("dossiers", "ifNull(outcome_at > now64(6), true) AS is_open", "false AS is_open", "dossiers H01 open"),
        ("dossiers", "= 5 AS is_overdue", "= 9 AS is_overdue", "overdue_dossiers H01 overdue"),
        ("overdue_dossiers", "WHERE is_overdue", "WHERE false", "overdue_dossiers H01 overdue"),
        (
            "agency_windows",
            "on_time / nullIf(judged",
            "judged / nullIf(judged",
            "agency_windows year 2026 H01 on_time_rate",
        ),
        ("agency_windows", "toStartOfDay(window, 'Asia/Ho_Chi_Minh')", "toStartOfDay(window, 'UTC')", ""),
    ],
)
def test_what_a_view_hides_is_found(
    counted: Plan, client: Client, name: str, declared: str, other: str, place: str
) -> None:
    replaced(client, counted.profile, name, declared, other)
    found = looked_at(client, counted.profile)
    assert name in {each.place for each in found}
    assert not place or place in {each.place for each in found}


def test_the_figures_of_the_city_are_recomputed(counted: Plan, client: Client) -> None:
    columns = "agency, window, partition, pos, received, resolved, resolved_on_time"
    client.execute(f"INSERT INTO windows ({columns}) SELECT 'H09', now(), 1, 1, 5, 4, 2")
    assert looked_at(client, counted.profile) == []
    replaced(
        client,
        counted.profile,
        "city_figures",
        "resolved - resolved_on_time AS resolved_late",
        "resolved_on_time AS resolved_late",
    )
    replaced(
        client,
        counted.profile,
        "city_figures",
        "sumIf(parts.resolved_on_time, is_now)",
        "sumIf(parts.resolved, is_now)",
    )
    found = {each.place: (each.stored, each.recomputed) for each in looked_at(client, counted.profile)}
    assert found["city_figures day resolved_on_time"] == ("4", "2")
    assert found["city_figures day resolved_late"] == ("0", "2")
    client.execute("DELETE FROM windows WHERE agency = 'H09'")


def test_a_figure_that_differs_only_at_one_look_is_none(counted: Plan, client: Client) -> None:
    declared, other = "sum(by_period.resolved_on_time) AS", "sum(by_period.resolved) AS"
    replaced(client, counted.profile, "agency_windows", declared, other)

    def mend(_: float) -> None:
        make_tables(counted, lambda _: None, dry_run=False)

    found = view_findings(client, counted.profile, mend)
    assert [each.place for each in found] == ["agency_windows"]


def test_a_view_that_is_missing_ends_no_audit(counted: Plan, client: Client) -> None:
    client.execute("DROP VIEW dossiers")
    found = looked_at(client, counted.profile)
    assert Finding("views", "dossiers", "view dossiers is missing", "as declared") in found
