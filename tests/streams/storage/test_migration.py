import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from clickhouse_driver import Client
from kafka.admin import NewTopic
from msgspec import structs

from schemas import ddl
from schemas.connection import KafkaConnection
from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.events import Progressed, Received
from schemas.tables import ARGUMENTS, DICTIONARIES, REFRESHES, TABLES, VIEWS
from schemas.topics import DEAD, declared
from schemas.topics import EVENTS as TOPIC
from streams.audit.audit_run import audit
from streams.broker import topics
from streams.errors import NotMigrated, Unreachable, WrongIdentity
from streams.storage import table_migration
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.migration import identify, make_topics, migrate
from streams.storage.table_migration import make_tables
from tests.broker import delete_topics
from tests.streams.cases import said
from tests.streams.counted import count


def test_replicated_tables_differ_by_one_word_alone() -> None:
    plain, replicated = ddl.migrations(replicated=False), ddl.migrations(replicated=True)
    texts = [[statement for script in scripts for statement in script.statements] for scripts in (plain, replicated)]
    engines = sum(statement.count("MergeTree") for statement in texts[0])
    assert [text.replace("ENGINE = Replicated", "ENGINE = ") for text in texts[1]] == texts[0]
    assert sum(text.count("ENGINE = Replicated") for text in texts[1]) == engines > 0
    assert "ENGINE = ReplicatedReplacingMergeTree" in ddl.preamble(replicated=True).statements[0]


@pytest.mark.parametrize("replicated", [False, True])
def test_no_parameter_is_left_open(replicated: bool) -> None:
    scripts = [ddl.preamble(replicated), *ddl.migrations(replicated), *ddl.views(Profile())]
    scripts += ddl.dictionaries(Profile(), "dossiers")
    # What remains in braces belongs to ClickHouse itself: its macros, and the arguments of views with their types.
    day, instant, way = r"Date", r"DateTime64\(6, '[^']+'\)", r"Enum8\('then' = 1, 'today' = 2\)"
    arguments = re.compile(rf"\{{(?:(?:as_of|since|until):(?:{day}|{instant})|node:String|way:{way})\}}")
    texts = [(script.name, arguments.sub("", statement)) for script in scripts for statement in script.statements]
    assert not [name for name, statement in texts if "{" in statement]


def test_a_checksum_follows_the_text_and_the_profile() -> None:
    views = [{each.name: each for each in ddl.views(Profile(terms=terms))} for terms in ("instant", "date", "instant")]
    by_terms = [each["dossiers.sql"].checksum for each in views]
    assert by_terms[0] == by_terms[2] != by_terms[1]
    assert len({script.checksum for script in ddl.migrations(replicated=False)}) == len(
        ddl.migrations(replicated=False)
    )


@contextmanager
def connected(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    try:
        yield client
    finally:
        client.disconnect()


def ask(plan: Plan, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connected(plan) as client:
        rows: list[tuple[Any, ...]] = client.execute(sql, *parameters)
        return rows


@pytest.mark.clickhouse
class TestTables:
    def test_what_migrations_make_is_what_the_code_declares(self, plan: Plan) -> None:
        rows = ask(
            plan,
            # While a table is filled again, the new one stands beside it.
            "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() "
            "AND table NOT LIKE '.tmp.%' AND default_kind != 'MATERIALIZED' ORDER BY table, position",
        )
        found: dict[str, list[tuple[str, str]]] = {}
        for table, name, kind in rows:
            found.setdefault(table, []).append((name, _unwrapped(kind)))
        assert {table.name: list(table.columns.items()) for table in TABLES} == {
            name: columns
            for name, columns in found.items()
            if name not in (*DICTIONARIES, *VIEWS, *REFRESHES, "sources_of_events")
        }
        # A view that takes arguments has columns only where it is called.
        assert found.keys() >= {*DICTIONARIES, *VIEWS, *REFRESHES} - ARGUMENTS.keys()

    def test_every_table_and_column_says_what_it_is(self, plan: Plan) -> None:
        tables = ask(
            plan,
            "SELECT name, comment FROM system.tables WHERE database = currentDatabase() "
            "AND engine NOT LIKE '%View' AND name NOT LIKE '.tmp.%'",
        )
        assert {name for name, _ in tables} == {*(table.name for table in TABLES), *DICTIONARIES}
        assert [name for name, comment in tables if not comment] == []
        columns = ask(
            plan,
            "SELECT table, name, comment FROM system.columns "
            "WHERE database = currentDatabase() AND table IN %(tables)s",
            {"tables": [table.name for table in TABLES]},
        )
        assert [(table, name) for table, name, comment in columns if not comment] == []

    def test_every_window_says_of_its_counters_what_the_code_says(self, plan: Plan) -> None:
        comments = ask(
            plan,
            "SELECT name, comment FROM system.columns WHERE database = currentDatabase() AND table = 'windows' "
            "AND type = 'Int64' ORDER BY position",
        )
        assert comments == list(COUNTERS.items())

    def test_a_second_migration_does_nothing(self, plan: Plan) -> None:
        before = ask(plan, "SELECT * FROM migrations ORDER BY ALL")
        told: list[str] = []
        make_tables(plan, told.append, dry_run=False)
        assert told == []
        assert ask(plan, "SELECT * FROM migrations ORDER BY ALL") == before
        assert len(before) == len(ddl.migrations(replicated=False)) + len(DICTIONARIES) + len(VIEWS) + len(REFRESHES)

    def test_a_dry_run_tells_the_sql_and_changes_nothing(self, plan: Plan) -> None:
        fresh = structs.replace(plan, clickhouse=structs.replace(plan.clickhouse, database="never_made"))
        told: list[str] = []
        make_tables(fresh, told.append, dry_run=True)
        assert told[0] == "create database never_made"
        for script in (
            *ddl.migrations(replicated=False),
            *ddl.dictionaries(fresh.profile, "never_made"),
            *ddl.views(fresh.profile),
        ):
            assert f"apply {script.name}" in told
            assert any(script.statements[0] in text for text in told)
        assert ask(plan, "SELECT name FROM system.databases WHERE name = 'never_made'") == []

    def test_a_dry_run_on_what_was_migrated_tells_nothing(self, plan: Plan) -> None:
        told: list[str] = []
        make_tables(plan, told.append, dry_run=True)
        assert told == []

    def test_an_interrupted_migration_can_be_repeated(self, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        """It stopped in the midst of the last one: what was recorded stays, and all the rest is made."""
        with connected(plan) as client:
            client.execute(f"DROP DATABASE `{plan.clickhouse.database}` SYNC")
        whole = ddl.migrations(replicated=False)
        broken = (*whole[:-1], ddl.Script(whole[-1].name, ("SELECT throwIf(1)",)))
        monkeypatch.setattr(table_migration, "migrations", lambda _: broken)
        with pytest.raises(Unreachable, match="throwIf"):
            make_tables(plan, lambda _: None, dry_run=False)
        monkeypatch.undo()
        told: list[str] = []
        make_tables(plan, told.append, dry_run=False)
        assert [text for text in told if text.endswith(whole[-1].name)]
        assert not [text for text in told if text.endswith(whole[0].name)]
        self.test_what_migrations_make_is_what_the_code_declares(plan)

    def test_a_migration_that_was_changed_after_it_was_applied_is_refused(
        self, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = ddl.migrations(replicated=False)
        changed = (ddl.Script(whole[0].name, (*whole[0].statements, "SELECT 1")), *whole[1:])
        monkeypatch.setattr(table_migration, "migrations", lambda _: changed)
        with pytest.raises(NotMigrated, match=f"migration {whole[0].name} was applied .* with another text"):
            make_tables(plan, lambda _: None, dry_run=False)

    def test_what_was_counted_before_events_had_officials_counts_on(self, plan: Plan) -> None:
        before = (
            said(Received, "2026-03-02 08:00", agency="H01"),
            said(Progressed, "2026-03-02 09:00", step="intake", unit="Office 1"),
            said(Received, "2026-03-02 08:00", dossier="D2", agency="H01"),
            said(Progressed, "2026-03-02 09:00", dossier="D2", step="intake", unit="Office 1"),
        )
        count(plan.clickhouse, *before)
        with connected(plan) as client:
            client.execute("ALTER TABLE facts DROP COLUMN official")
            client.execute("DELETE FROM migrations WHERE name = '0016_officials.sql'")
        told: list[str] = []
        make_tables(plan, told.append, dry_run=False)
        assert told == ["apply 0016_officials.sql"]
        found = "SELECT dossier, step, unit, official FROM dossiers ORDER BY dossier"
        assert ask(plan, found) == [("D1", "intake", "Office 1", ""), ("D2", "intake", "Office 1", "")]
        count(plan.clickhouse, *before, said(Progressed, "2026-03-03 09:00", step="review", official="CB-7"), *before)
        assert ask(plan, found) == [("D1", "review", "", "CB-7"), ("D2", "intake", "Office 1", "")]
        audited = audit(plan.clickhouse, plan.profile)
        assert audited.facts_differences == []
        assert audited.window_differences == []

    def test_another_profile_makes_the_views_anew_and_touches_no_table(self, plan: Plan) -> None:
        told: list[str] = []
        make_tables(structs.replace(plan, profile=Profile(terms="date")), told.append, dry_run=False)
        assert told
        assert {text.removeprefix("apply ") for text in told} <= {f"{view}.sql" for view in (*VIEWS, *REFRESHES)}
        assert ask(plan, "SELECT rule FROM leading_rule")[0] == ("date",)


def _unwrapped(kind: str) -> str:
    """A type without the function that merges it."""
    merged = re.fullmatch(r"SimpleAggregateFunction\(max, (.*)\)", kind)
    return merged[1] if merged else kind


@pytest.fixture
def deployment(plan: Plan, kafka: KafkaConnection) -> Iterator[Plan]:
    """A plan with a broker that has none of the topics."""
    yield structs.replace(plan, kafka=kafka)
    delete_topics(kafka)


@pytest.mark.clickhouse
@pytest.mark.kafka
class TestDeployment:
    def test_a_migration_makes_everything_and_a_second_nothing(self, deployment: Plan) -> None:
        told: list[str] = []
        assert migrate(deployment, told.append) == []
        assert [text for text in told if text.startswith(f"create topic {TOPIC}: 8 partitions")]
        identity = identify(deployment)
        assert (identity.topic, identity.partitions, identity.epoch) == (TOPIC, 8, 1)
        told.clear()
        assert migrate(deployment, told.append) == []
        assert told == []

    def test_a_dry_run_makes_no_topic_and_no_identity(self, deployment: Plan) -> None:
        told: list[str] = []
        migrate(deployment, told.append, dry_run=True)
        assert [text for text in told if text.startswith("create topic")]
        with topics.admin(deployment.kafka) as client:
            assert topics.find(client, [topic.name for topic in declared(8, 1)]) == {}
        assert ask(deployment, "SELECT count() FROM deployment") == [(0,)]

    def test_counting_without_a_topic_or_an_identity_is_refused(self, deployment: Plan) -> None:
        with pytest.raises(NotMigrated, match=f"no topic {TOPIC}: run `dossier migrate`"):
            identify(deployment)
        make_topics(deployment, lambda _: None, dry_run=False)
        with pytest.raises(NotMigrated, match="belongs to no topic yet: run `dossier migrate`"):
            identify(deployment)

    def test_other_rules_are_refused(self, deployment: Plan) -> None:
        migrate(deployment, lambda _: None)
        for profile in (Profile(terms="date"), Profile(time_zone="UTC")):
            changed = structs.replace(deployment, profile=profile)
            with pytest.raises(WrongIdentity, match=f"rules {Profile().rules}, but now it is {profile.rules}"):
                identify(changed)
            with pytest.raises(WrongIdentity):
                migrate(changed, lambda _: None)
        assert identify(deployment).profile == Profile()

    def test_another_partition_count_of_the_topic_is_refused(self, deployment: Plan) -> None:
        migrate(deployment, lambda _: None)
        with topics.admin(deployment.kafka) as client:
            client.create_partitions({TOPIC: 9})
            deadline = time.monotonic() + 30
            while topics.find(client, [TOPIC])[TOPIC].partitions != 9:
                assert time.monotonic() < deadline
        with pytest.raises(WrongIdentity, match="partition count 8, but now it is 9"):
            identify(deployment)

    def test_a_topic_that_was_made_anew_is_refused(self, deployment: Plan) -> None:
        migrate(deployment, lambda _: None)
        delete_topics(deployment.kafka)
        make_topics(deployment, lambda _: None, dry_run=False)
        with pytest.raises(WrongIdentity, match="topic id"):
            identify(deployment)

    def test_a_topic_that_is_otherwise_than_declared_is_told_and_left(self, deployment: Plan) -> None:
        with topics.admin(deployment.kafka) as client:
            client.create_topics([NewTopic(DEAD, 3, 1, topic_configs={"retention.ms": "1000"})])
        differing = make_topics(deployment, lambda _: None, dry_run=False)
        assert f"{DEAD}: partition count is 3, declared is 1" in differing
        assert f"{DEAD}: retention.ms is 1000, declared is -1" in differing
        assert all(line.startswith(DEAD) for line in differing)
        assert _partitions(deployment, [DEAD]) == [3]


def _partitions(plan: Plan, names: Sequence[str]) -> list[int]:
    with topics.admin(plan.kafka) as client:
        return [found.partitions for found in topics.find(client, names).values()]
