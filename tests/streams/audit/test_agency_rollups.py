"""The audit of roll-ups of agencies: each that is filled or placed wrongly is found, one that is only behind is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client

from schemas.ddl import views
from schemas.events import Received
from streams.audit.agency_rollups import AGENCY_ROLLUPS, agency_rollup_findings
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.rollups import refresh
from tests.schemas.reference.agencies import agency
from tests.schemas.reference.test_agency_tree import HANOI
from tests.streams.cases import said
from tests.streams.counted import count
from tests.streams.declared import declare_agencies

pytestmark = pytest.mark.clickhouse


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    declare_agencies(client, HANOI)
    count(
        plan.clickhouse,
        said(Received, "2025-06-30 08:00", dossier="D1", agency="P1", receiver="P4", channel="online"),
        said(Received, "2025-07-01 08:00", dossier="D2", agency="BD-new"),
        said(Received, "2025-07-01 08:00", dossier="D3", agency="nobody"),
    )
    yield client
    client.disconnect()


def found(client: Client, plan: Plan) -> dict[str, tuple[str, str]]:
    findings = list(agency_rollup_findings(client, plan.profile, lambda _: None))
    assert {each.kind for each in findings} <= {"rollups"}
    return {each.place: (each.stored, each.recomputed) for each in findings}


def refilled_otherwise(client: Client, plan: Plan, name: str, declared: str, other: str) -> None:
    """As if somebody had replaced what fills it."""
    (script,) = [view for view in views(plan.profile) if view.name == f"{name}.sql"]
    drop, create = script.statements
    assert declared in create
    client.execute(drop)
    client.execute(create.replace(declared, other))
    # It fills its table in the background at once. An audit that reads before and after that sees two states.
    client.execute(f"SYSTEM WAIT VIEW {name}")


def test_what_is_as_declared_has_no_findings_also_where_it_is_behind(client: Client, plan: Plan) -> None:
    assert found(client, plan) == {}
    refresh(client, AGENCY_ROLLUPS)
    assert found(client, plan) == {}
    client.execute(
        "INSERT INTO windows (agency, window, partition, pos, received) VALUES ('P2', '2025-06-30 01:00:00', 0, 1, 5)"
    )
    assert found(client, plan) == {}


def test_a_database_without_reference_data_and_without_counts_has_none(plan: Plan) -> None:
    client = connect(plan.clickhouse)
    assert found(client, plan) == {}
    client.disconnect()


def test_days_and_months_that_are_filled_wrongly_are_found(client: Client, plan: Plan) -> None:
    declared = "sum(windows.received_online) AS received_online"
    refilled_otherwise(client, plan, "refresh_agency_past", declared, "sum(windows.received) AS received_online")
    assert found(client, plan) == {
        "agency_past 2025-07-01 BD-new received_online": ("1", "0"),
        "agency_past 2025-07-01 nobody received_online": ("1", "0"),
        "agency_months 2025-07-01 BD-new received_online": ("1", "0"),
        "agency_months 2025-07-01 nobody received_online": ("1", "0"),
    }


def test_a_day_that_a_rollup_lacks_is_found(client: Client, plan: Plan) -> None:
    refilled_otherwise(
        client, plan, "refresh_agency_past", "WHERE window < last_week", "WHERE window < '2025-07-01 00:00:00'"
    )
    assert ("agency_past 2025-07-01 BD-new received", ("0", "1")) in found(client, plan).items()


def test_receptions_under_the_wrong_office_are_found(client: Client, plan: Plan) -> None:
    declared = "if(facts.receiver = '', facts.agency, facts.receiver) AS receiver"
    refilled_otherwise(client, plan, "refresh_receiver_days", declared, "facts.agency AS receiver")
    differing = found(client, plan)
    assert differing["receiver_days 2025-06-30 P1 received"] == ("1", "0")
    assert differing["receiver_days 2025-06-30 P4 received_online"] == ("0", "1")


def test_a_place_that_does_not_follow_from_the_agencies_is_found_with_its_figures(client: Client, plan: Plan) -> None:
    client.execute(
        "ALTER TABLE agency_placements UPDATE path = ['H26', 'NH-new'] WHERE agency = 'P1' AND valid_to > '2026-01-01' "
        "SETTINGS mutations_sync = 1"
    )
    differing = found(client, plan)
    assert differing["agency_placements P1 2025-07-01 to 2149-06-06"] == ("H26 > NH-new", "H26 > BD-new")
    assert differing["node_figures today H26 > NH-new own received"] == ("1", "0")
    assert differing["node_figures today H26 > BD-new own received"] == ("1", "2")


def test_a_view_that_leaves_agencies_out_of_their_parents_is_found(client: Client, plan: Plan) -> None:
    (script,) = [view for view in views(plan.profile) if view.name == "node_figures.sql"]
    client.execute(
        script.statements[-1].replace("arrayEnumerate(whole_path) AS depth", "[length(whole_path)] AS depth")
    )
    assert found(client, plan)["node_figures then H26 below received"] == ("0", "2")


@pytest.mark.parametrize("view", AGENCY_ROLLUPS[::2])
def test_what_is_counted_between_a_refresh_and_its_check_is_no_finding(
    client: Client, plan: Plan, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    execute = client.execute

    def then_another_dossier(sql: str, *arguments: Any, **options: Any) -> Any:
        rows = execute(sql, *arguments, **options)
        if sql == f"SYSTEM WAIT VIEW {view}":
            monkeypatch.undo()
            count(plan.clickhouse, said(Received, "2025-06-30 09:00", dossier="D4", agency="P2"))
        return rows

    refresh(client, AGENCY_ROLLUPS)
    count(plan.clickhouse, said(Received, "2025-06-30 09:00", dossier="D5", agency="P3"))
    monkeypatch.setattr(client, "execute", then_another_dossier)
    assert found(client, plan) == {}
    assert client.execute("SELECT count() FROM facts FINAL WHERE dossier = 'D4'") == [(1,)]


@pytest.mark.parametrize("read", ["FROM agency_placements", "FROM node_figures(way = 'then'"])
def test_agencies_that_are_loaded_during_the_audit_are_no_finding(
    client: Client, plan: Plan, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    execute = client.execute

    def after_another_load(sql: str, *arguments: Any, **options: Any) -> Any:
        if read in sql:
            monkeypatch.undo()
            declare_agencies(client, [agency("H26", level="province"), agency("P1", "H26")])
        return execute(sql, *arguments, **options)

    monkeypatch.setattr(client, "execute", after_another_load)
    assert found(client, plan) == {}
    assert client.execute("SELECT count() FROM reference_loads") == [(2,)]


def test_a_later_day_than_the_rollup_has_is_read_from_windows(client: Client, plan: Plan) -> None:
    refresh(client, AGENCY_ROLLUPS)
    yesterday = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    client.execute(
        "INSERT INTO windows (agency, window, partition, pos, received) VALUES", [("P4", yesterday, 0, 1, 3)]
    )
    assert found(client, plan) == {}
