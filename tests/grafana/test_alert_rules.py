"""Alert rules: complete, in the shape that Grafana's alerting takes, and firing when they should and only then."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from clickhouse_driver import Client

from grafana.alert_rules import GROUPS, RULES, RUNBOOK, Rule, provisioning
from grafana.sql_macros import expand, variables_in
from schemas.connection import ClickHouseConnection
from schemas.events import Event, Paid, Progressed
from schemas.reference.official import Official
from streams.reference.kinds import KINDS
from streams.reference.loads import write
from streams.storage.clickhouse_client import connect
from tests.databases import Databases
from tests.grafana.city import HOSTILE, midnight, resolved, waiting
from tests.grafana.declared import Declare
from tests.streams.counted import count

ROOT = Path(__file__).parents[2]
RULE = [pytest.param(rule, id=rule.name) for rule in RULES]
NAMED = {rule.name: rule for rule in RULES}
NUMBER = re.compile(r"(Nullable\()?(U?Int|Float)\d+\)?")
STRING = re.compile(r"((Nullable|LowCardinality)\()*String\)*")


def firing(client: Client, rule: Rule) -> dict[str, float]:
    """What a rule fires for, by the labels of its instances but names, as Reduce and Threshold find it."""
    rows, columns = client.execute(expand(rule.sql), with_column_types=True)
    names = [name for name, _ in columns]
    found = {}
    for row in rows:
        labels = {name: value for name, value in zip(names, row, strict=True) if name not in {"value", "agency_name"}}
        value = row[names.index("value")]
        if value is not None and rule.fires(value):
            found[" ".join(labels.values())] = value
    return found


class TestShape:
    @pytest.mark.parametrize("rule", RULE)
    def test_it_says_what_it_is_whom_it_concerns_and_what_to_do(self, rule: Rule) -> None:
        assert rule.owner
        assert rule.severity
        for text in (rule.summary, rule.description):
            assert "$values.B.Value" in text
        assert " / " in rule.title
        assert f"\n## {rule.name}\n" in (ROOT / RUNBOOK).read_text()

    def test_every_section_of_the_runbook_is_of_a_rule(self) -> None:
        sections = re.findall(r"^## (.+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)
        assert sections == [rule.name for rule in RULES]

    def test_the_runbook_tells_the_limits_that_hold(self) -> None:
        parts = re.split(r"^## .+$", (ROOT / RUNBOOK).read_text(), flags=re.MULTILINE)[1:]
        for rule, text in zip(RULES, parts, strict=True):
            if rule.figure.unit == "share":
                assert f"{rule.bound * 100:g} %" in text
        assert "more than 20 open" in parts[0]
        assert NAMED["overdue-backlog"].bound == 20
        assert NAMED["due-soon"].bound == 10
        assert NAMED["source-silent"].bound == timedelta(days=3).total_seconds()
        assert NAMED["lag"].bound == 60
        assert "for a day" in parts[[rule.name for rule in RULES].index("audit-missing")]
        assert NAMED["audit-missing"].bound == timedelta(days=1).total_seconds()

    def test_identities_are_short_and_once(self) -> None:
        assert len({rule.uid for rule in RULES}) == len({rule.title for rule in RULES}) == len(RULES)
        assert all(re.fullmatch(r"[a-z0-9-]{1,40}", rule.uid) for rule in RULES)

    @pytest.mark.parametrize("rule", RULE)
    def test_no_variable_and_no_macro_of_the_browser(self, rule: Rule) -> None:
        assert variables_in(rule.sql) == set()
        assert "$__" not in rule.sql

    def test_grafana_evaluates_at_multiples_of_ten_seconds(self) -> None:
        for seconds, rules in GROUPS.values():
            assert seconds % 10 == 0
            assert all(rule.hold % seconds == 0 for rule in rules)

    def test_the_file_is_what_grafana_reads(self) -> None:
        document = yaml.safe_load((ROOT / "grafana" / "provisioning" / "alerting" / "rules.yaml").read_text())
        assert document == provisioning()
        for group in document["groups"]:
            for rule in group["rules"]:
                refs = [data["refId"] for data in rule["data"]]
                assert rule["condition"] == refs[-1]
                asked, *expressions = rule["data"]
                assert asked["model"]["format"] == 1
                assert [data["datasourceUid"] for data in expressions] == ["__expr__"] * 2
                assert [data["model"]["expression"] for data in expressions] == refs[:-1]
                # Labels are interpolated with the server's variables, annotations are not.
                assert not any("$" in value for value in rule["labels"].values())


@pytest.mark.clickhouse
class TestQueries:
    @pytest.mark.parametrize("rule", RULE)
    def test_one_number_and_strings_on_the_city_and_on_nothing(
        self, seeded_city: Client, empty_city: Client, rule: Rule
    ) -> None:
        for client in (seeded_city, empty_city):
            rows, columns = client.execute(expand(rule.sql), with_column_types=True)
            kinds = dict(columns)
            assert NUMBER.fullmatch(kinds.pop("value"))
            assert all(STRING.fullmatch(kind) for kind in kinds.values())
            labels = [
                tuple(value for name, value in zip(dict(columns), row, strict=True) if name != "value") for row in rows
            ]
            assert len(set(labels)) == len(rows), "Grafana refuses two rows of the same labels"

    @pytest.mark.parametrize("rule", RULE)
    def test_on_nothing_only_the_missing_worker_is_told(self, empty_city: Client, rule: Rule) -> None:
        assert bool(firing(empty_city, rule)) is (rule.name == "lag")

    def test_the_small_city_is_under_every_limit(self, seeded_city: Client) -> None:
        found = {rule.name for rule in RULES if firing(seeded_city, rule)}
        # No worker ran there.
        assert found == {"lag"}

    def test_the_numbers_are_there_although_nothing_fires(self, seeded_city: Client) -> None:
        rows = {agency: value for agency, _, value in seeded_city.execute(expand(NAMED["overdue-backlog"].sql))}
        assert rows == dict(seeded_city.execute("SELECT agency, countIf(is_overdue) FROM dossiers GROUP BY agency"))
        assert 0 in rows.values()

    def test_an_alert_names_its_agency(self, declared_city: Client, seeded_city: Client) -> None:
        for rule in ("overdue-backlog", "due-soon", "on-time-rate", "payment-rate"):
            assert "$labels.agency_name" in NAMED[rule].summary
        sql = expand(NAMED["overdue-backlog"].sql)
        names = {agency: name for agency, name, _ in declared_city.execute(sql)}
        assert names["H26.50.01"] == "Phường Cống Vị (H26.50.01)"
        assert names[HOSTILE] == f"{HOSTILE} – chưa khai báo / not declared"
        assert all(agency == name for agency, name, _ in seeded_city.execute(sql))


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


def counted(databases: Databases, name: str, *events: Event, **options: Any) -> dict[str, float]:
    """What the rule of this name fires for in a city of these events alone."""
    with databases.lend() as plan:
        own = plan.clickhouse
        count(own, *events, **options)
        client = connect(own)
        try:
            return firing(client, NAMED[name])
        finally:
            client.disconnect()


def several(number: int, prefix: str, make: Callable[..., list[Event]], *rest: Any, **options: Any) -> list[Event]:
    """So many dossiers of an agency."""
    return [event for index in range(number) for event in make(f"{prefix} {index}", HOSTILE, *rest, **options)]


def pulse(client: Client, seconds_ago: float, worker: str = "one", **values: float) -> None:
    row = {"at": datetime.now(UTC) - timedelta(seconds=seconds_ago), "worker": worker} | values
    client.execute(f"INSERT INTO pulse ({', '.join(row)}) VALUES", [row])


def audited(client: Client, minute: int, differences: int) -> None:
    row = (midnight() + timedelta(minutes=minute), differences)
    client.execute("INSERT INTO audits (at, facts_differences) VALUES", [row])


@pytest.mark.clickhouse
class TestFiring:
    def test_a_backlog(self, databases: Databases) -> None:
        past = datetime.now(UTC) - timedelta(hours=1)
        late = several(20, "late", waiting, past - timedelta(days=9), past)
        assert counted(databases, "overdue-backlog", *late) == {}
        one = several(1, "one more", waiting, past - timedelta(days=9), past)
        assert counted(databases, "overdue-backlog", *late, *one) == {HOSTILE: 21}

    def test_dossiers_that_are_due(self, databases: Databases) -> None:
        now = datetime.now(UTC)
        far = several(20, "far", waiting, now - timedelta(days=9), now + timedelta(hours=25))
        assert counted(databases, "due-soon", *far) == {}
        near = several(11, "near", waiting, now - timedelta(days=9), now + timedelta(hours=23))
        assert counted(databases, "due-soon", *far, *near) == {HOSTILE: 11}

    def test_a_rate_under_target_of_enough_dossiers(self, databases: Databases) -> None:
        late = several(19, "late", resolved, midnight(), late=True)
        assert counted(databases, "on-time-rate", *late) == {}
        fine = several(1, "fine", resolved, midnight())
        assert counted(databases, "on-time-rate", *late, *fine) == {HOSTILE: 0.05}

    def test_payments_under_target(self, databases: Databases) -> None:
        # Received ten days earlier, which must be of this month as well.
        at = midnight() if midnight().day > 10 else midnight() + timedelta(days=10)
        paid = several(11, "paid", resolved, at)
        others = [event for event in several(9, "not", resolved, at) if not isinstance(event, Paid)]
        assert counted(databases, "payment-rate", *paid, *others[: 4 * 5]) == {}
        assert counted(databases, "payment-rate", *paid, *others) == {HOSTILE: 0.55}

    def test_many_codes_that_are_not_declared(self, declared_city: Client, declare: Declare) -> None:
        rule = NAMED["undeclared-codes"]
        # Of the city one agency and one procedure; each receiving office is declared.
        assert set(declared_city.execute(expand(rule.sql))) == {("agencies", 1), ("procedures", 1), ("receivers", 0)}
        assert firing(declared_city, rule) == {}
        now = datetime.now(UTC)
        new = [event for number in range(11) for event in waiting(f"new {number}", f"X{number}", now, now)]
        old = midnight(31)
        new += [event for number in range(9) for event in waiting(f"old {number}", f"Y{number}", old, old)]
        with declare(new) as client:
            assert firing(client, rule) == {"agencies": 11}

    def test_officials_are_undeclared_once_any_are_loaded(self, databases: Databases) -> None:
        now, rule = datetime.now(UTC), NAMED["undeclared-codes"]
        steps: list[Event] = []
        for number in range(12):
            name = f"case {number}"
            step = Progressed(
                id="step", dossier=name, source="one-stop", occurred_at=now, step="review", official=f"cb-{number}"
            )
            steps += [*waiting(name, "H26.01", now, now), step]
        with databases.lend() as plan:
            count(plan.clickhouse, *steps, published=now)
            owner = connect(plan.clickhouse)
            assert firing(owner, rule) == {}
            write(owner, KINDS["officials"], [Official(code="cb-0", unit="H26.01")], by="a test")
            assert firing(owner, rule) == {"officials": 11}
            owner.disconnect()

    def test_nothing_is_undeclared_where_nothing_is_declared(self, databases: Databases) -> None:
        now = datetime.now(UTC)
        new = [event for number in range(11) for event in waiting(f"new {number}", f"X{number}", now, now)]
        assert counted(databases, "undeclared-codes", *new) == {}

    def test_a_source_that_is_silent(self, databases: Databases) -> None:
        now = datetime.now(UTC)
        one = several(1, "one", waiting, now - timedelta(days=9), now)
        for hours, sources in ((71, []), (73, ["one-stop"])):
            published = now - timedelta(hours=hours)
            assert list(counted(databases, "source-silent", *one, published=published)) == sources

    def test_counting_that_lags_or_says_nothing(self, client: Client) -> None:
        pulse(client, 400, lag_seconds=500.0)
        assert firing(client, NAMED["lag"])
        pulse(client, 5, lag_seconds=0.4)
        assert firing(client, NAMED["lag"]) == {}
        pulse(client, 4, worker="two", lag_seconds=61.0)
        assert firing(client, NAMED["lag"]) == {"": 61}

    def test_too_many_dead_letters(self, client: Client) -> None:
        pulse(client, 30, events=990, dead=10)
        pulse(client, 7200, events=0, dead=500)
        assert firing(client, NAMED["dead-letters"]) == {}
        pulse(client, 20, worker="two", events=10, dead=10)
        assert list(firing(client, NAMED["dead-letters"])) == [""]

    def test_an_audit_that_found_something_until_one_finds_nothing(self, client: Client) -> None:
        audited(client, 1, 0)
        audited(client, 2, 3)
        assert firing(client, NAMED["audit"]) == {"": 3}
        audited(client, 3, 0)
        assert firing(client, NAMED["audit"]) == {}

    def test_a_day_without_an_audit_also_where_none_ever_was(self, client: Client) -> None:
        def deployed(hours_ago: float) -> None:
            row = ("dossier-events", 1, "serving", datetime.now(UTC) - timedelta(hours=hours_ago))
            client.execute("INSERT INTO deployment (topic, epoch, state, changed_at) VALUES", [row])

        rule = NAMED["audit-missing"]
        assert firing(client, rule) == {}, "nothing is counted, so nothing can be audited"
        deployed(23)
        assert firing(client, rule) == {}
        client.execute("TRUNCATE TABLE deployment")
        deployed(25)
        assert firing(client, rule) == {"": pytest.approx(25 * 3600, abs=60)}
        client.execute("INSERT INTO audits (at) VALUES", [(datetime.now(UTC) - timedelta(hours=30),)])
        assert firing(client, rule) == {"": pytest.approx(30 * 3600, abs=60)}
        client.execute("INSERT INTO audits (at) VALUES", [(datetime.now(UTC) - timedelta(hours=1),)])
        assert firing(client, rule) == {}

    def test_records_that_contradict_each_other(self, client: Client) -> None:
        now = datetime.now(UTC)
        rows = [("two_sources", "D1", HOSTILE, now - timedelta(days=days), "a, b") for days in (1, 29, 31)]
        client.execute("SYSTEM STOP VIEW refresh_data_conflicts")
        client.execute("INSERT INTO data_conflicts (kind, dossier, agency, since, detail) VALUES", rows)
        assert firing(client, NAMED["data-conflicts"]) == {"two_sources": 2}
        client.execute("TRUNCATE TABLE data_conflicts")
        client.execute("SYSTEM START VIEW refresh_data_conflicts")
        assert firing(client, NAMED["data-conflicts"]) == {}
