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
from schemas.reference.official import Official
from streams.audit.audit_run import audit
from streams.reference.kinds import KINDS
from streams.reference.loads import write
from streams.reference.undeclared import cases_with, undeclared_codes
from streams.storage.clickhouse_client import database
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse


def test_simulated_traffic_is_declared_by_the_files_that_come_with_it(
    clickhouse: ClickHouseConnection, tmp_path: Path
) -> None:
    begin, plan = datetime(2025, 6, 10, tzinfo=CITY), Plan(tree=True, agencies=20)
    count(clickhouse, *(event for _, event in history(plan, begin, begin + timedelta(days=40), 300)))
    agencies, procedures, officials = write_reference_files(tmp_path, plan.agencies)
    with database(clickhouse) as client:
        before = undeclared_codes(client)
        assert {each.kind for each in before} == {"agency", "receiver", "procedure"}
        assert {each.sources for each in before} == {("simulator",)}
        write(client, KINDS["agencies"], read_agencies([agencies]), by="lan", files=[])
        write(client, KINDS["procedures"], read_procedures([procedures]), by="lan", files=[])
        write(client, KINDS["officials"], [Official(code="cb-0", unit="H26")], by="lan", files=[])
        unknown = undeclared_codes(client)
        assert {each.kind for each in unknown} == {"official"}
        assert cases_with(client, "officials", [each.code for each in unknown]) == {
            each.code: each.dossiers for each in unknown
        }
        write(client, KINDS["officials"], read_officials([officials]), by="lan", files=[])
        assert undeclared_codes(client) == []
    found = audit(clickhouse, Profile())
    assert found.facts_differences == []
    assert found.window_differences == []
