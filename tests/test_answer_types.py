"""The embedded server gives the answer to every query of the project the types that the engine's DESCRIBE has."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from clickhouse_driver import Client

from deploy.embedded.clickhouse.statements import shape
from grafana.alert_rules import RULES
from grafana.build import DASHBOARDS
from grafana.sql_macros import Context, expand
from schemas.ddl import views
from schemas.deployment_profile import Profile
from streams.alerts import table as alerts
from streams.audit.audit_run import audit
from streams.dead_letters.table import DeadLetterTable, Selection
from streams.reference.undeclared import undeclared_codes
from streams.reports.node_report import Selection as Nodes
from streams.reports.node_report import node_report
from streams.reports.report import report
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from tests.databases import Databases
from tests.grafana.city import city_after_a_merger
from tests.grafana.conftest import refresh
from tests.grafana.declared import load
from tests.streams.counted import count
from tests.thorough import IS_THOROUGH, sized

pytestmark = pytest.mark.clickhouse

ARGUMENTS = {
    "way": "'then'",
    "since": "'2020-01-01'",
    "until": "'2030-01-01'",
    "as_of": "'2026-01-01'",
    "node": "'H26'",
}
PARAMETER = re.compile(r"\{(\w+):(?:Date|Enum8|String)")
WRAPPED = re.compile(r"SELECT [\w, ]+\s+FROM\s+\(\s+(.*)\)", re.DOTALL)
"""A panel that shows some columns of a query."""


@pytest.fixture
def city(databases: Databases) -> Iterator[Plan]:
    """The city after a merger, with its reference data."""
    with databases.lend() as plan:
        count(plan.clickhouse, *city_after_a_merger(), published=datetime.now(UTC))
        client = connect(plan.clickhouse)
        load(client)
        refresh(client)
        client.disconnect()
        yield plan


def of_views() -> Iterator[str]:
    for script in views(Profile()):
        name = script.name.removesuffix(".sql")
        found = dict.fromkeys(PARAMETER.findall(" ".join(script.statements)))
        arguments = ", ".join(f"{each} = {ARGUMENTS[each]}" for each in found)
        yield f"SELECT * FROM {name}" + (f"({arguments})" if arguments else "")


def of_grafana() -> Iterator[str]:
    for board in DASHBOARDS:
        variables = board["templating"]["list"]
        first = {each["name"]: [option["value"] for option in each["options"]][:1] or ["H26.01"] for each in variables}
        asked = [target["rawSql"] for panel in board["panels"] for target in panel.get("targets", ())]
        asked += [each["query"] for each in variables if each["type"] == "query"]
        for sql in asked:
            yield expand(sql if isinstance(sql, str) else sql["rawSql"], Context(variables=first))
    for rule in RULES:
        yield expand(rule.sql)


def of_streams(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What audits and reports ask of the city."""
    asked: list[str] = []

    def recorded(method: Callable[..., Any]) -> Callable[..., Any]:
        def execute(client: Client, sql: str, parameters: Any = None, **options: Any) -> Any:
            if sql.lstrip().startswith(("SELECT", "WITH", "--")) and not options.get("external_tables"):
                context = client.connection.context
                asked.append(client.substitute_params(sql, parameters, context) if parameters else sql)
            return method(client, sql, parameters, **options)

        return execute

    with monkeypatch.context() as patched:
        for name in ("execute", "execute_iter"):
            patched.setattr(Client, name, recorded(getattr(Client, name)))
        assert audit(plan.clickhouse, plan.profile).differences == 0
        report(plan.clickhouse, plan.profile)
        node_report(plan.clickhouse, plan.profile, Nodes(tree=True))
        alerts.newest(plan.clickhouse, alerts.Selection(), 10)
        dead_letters = DeadLetterTable(plan.clickhouse)
        dead_letters.groups(Selection())
        list(islice(dead_letters.pages(Selection()), 1))
        dead_letters.close()
        client = connect(plan.clickhouse)
        undeclared_codes(client)
        client.disconnect()
    return asked


def test_every_query_has_the_types_of_the_engine(city: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = [*of_views(), *of_grafana(), *(of_streams(city, monkeypatch) if IS_THOROUGH else ())]
    kinds = {shape(sql if IS_THOROUGH or not (found := WRAPPED.match(sql)) else found[1]): sql for sql in statements}
    client = connect(city.clickhouse)
    # All of them take a minute.
    for sql in list(kinds.values())[:: sized(8, 1)]:
        rows = client.execute(f"DESCRIBE TABLE (\n{sql}\n)", settings={"print_pretty_type_names": 0})
        described = [(name, spec) for name, spec, *_ in rows]
        # The first answer of a shape is described by the server, the second is not.
        for _ in range(2):
            assert client.execute(sql, with_column_types=True)[1] == described, sql
    client.disconnect()
    assert len(kinds) > 70
