"""Codes that were counted and are not declared: simulated traffic before its reference data is loaded, and after."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.reference.reading import read_agencies, read_officials, read_procedures
from connectors.simulator.history import history
from connectors.simulator.office_calendar import CITY
from connectors.simulator.reference_files import write_reference_files
from connectors.simulator.simulation_plan import Plan
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.events import Received
from schemas.reference.official import Official
from streams.audit.audit_run import audit
from streams.reference.kinds import KINDS
from streams.reference.loads import write
from streams.reference.undeclared import Undeclared, UndeclaredCode, cases_with, undeclared_codes
from streams.storage.clickhouse_client import database
from tests.streams.cases import said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse


def test_simulated_traffic_is_declared_by_the_files_that_come_with_it(
    clickhouse: ClickHouseConnection, tmp_path: Path
) -> None:
    begin, plan = datetime(2025, 6, 10, tzinfo=CITY), Plan(tree=True, agencies=20)
    count(clickhouse, *(event for _, event in history(plan, begin, begin + timedelta(days=40), 300)))
    agencies, procedures, officials = write_reference_files(tmp_path, plan.agencies)
    with database(clickhouse) as client:
        before = undeclared_codes(client).codes
        assert {each.kind for each in before} == {"agency", "receiver", "procedure"}
        assert {each.sources for each in before} == {("simulator",)}
        write(client, KINDS["agencies"], read_agencies([agencies]), by="lan", files=[])
        write(client, KINDS["procedures"], read_procedures([procedures]), by="lan", files=[])
        write(client, KINDS["officials"], [Official(code="cb-0", unit="H26")], by="lan", files=[])
        unknown = undeclared_codes(client).codes
        assert {each.kind for each in unknown} == {"official"}
        assert cases_with(client, "officials", [each.code for each in unknown]) == {
            each.code: each.dossiers for each in unknown
        }
        write(client, KINDS["officials"], read_officials([officials]), by="lan", files=[])
        assert undeclared_codes(client) == Undeclared(0, [])
    found = audit(clickhouse, Profile())
    assert found.facts_differences == []
    assert found.window_differences == []


def test_of_many_codes_those_of_the_most_cases_are_listed_and_all_are_counted(clickhouse: ClickHouseConnection) -> None:
    events = [
        said(Received, "2026-03-02 08:00", dossier=f"{agency} {number}", agency=agency, source=f"source {number}")
        for agency, cases in (("A", 25), ("B", 2), ("C", 1))
        for number in range(cases)
    ]
    count(clickhouse, *events)
    with database(clickhouse) as client:
        few = undeclared_codes(client, limit=2)
        everything = undeclared_codes(client)
    assert (few.total, [(each.code, each.dossiers) for each in few.codes]) == (3, [("A", 25), ("B", 2)])
    assert few.codes == everything.codes[:2]
    assert everything.codes[1:] == [
        UndeclaredCode("agency", "B", 2, ("source 0", "source 1")),
        UndeclaredCode("agency", "C", 1, ("source 0",)),
    ]
    assert 1 <= len(few.codes[0].sources) <= 20
