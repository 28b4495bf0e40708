"""What is otherwise than declared is told in words, and mended where no row can be lost by it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import create, dictionaries, structure, views
from schemas.tables import TABLES
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.dictionary_check import unreadable_dictionaries
from streams.storage.rollups import refresh
from streams.storage.schema_comparison import elements
from streams.storage.table_migration import make_tables
from streams.storage.undeclared_objects import harmless_objects, interfering_objects
from tests import structure as generator
from tests.streams.cases import INSTANT, at

DICTIONARIES = {
    each.name.removesuffix(".sql"): each.statements[-1] for each in dictionaries(INSTANT, "another_database")
}
VIEWS = {view.name.removesuffix(".sql"): view.statements[-1] for view in views(INSTANT)}


def test_a_table_is_taken_apart_but_for_what_a_rebuild_adds() -> None:
    text = (
        "CREATE TABLE t\n(\n    `a` String CODEC(ZSTD(1)),\n    CONSTRAINT from_epoch_3 CHECK pos >= 844424930131968,\n"
        "    CONSTRAINT from_epoch_4 CHECK pos >= a\n)\nENGINE = MergeTree\nORDER BY (a, b)\nTTL a + 1\n"
        "SETTINGS x = 1, y = 2"
    )
    assert elements(text) == {
        "kind": "CREATE",
        "column a": "String CODEC(ZSTD(1))",
        "constraint from_epoch_4": "CHECK pos >= a",
        "engine": "MergeTree",
        "order": "BY (a, b)",
        "ttl": "a + 1",
        "setting x": "1",
        "setting y": "2",
    }


def test_a_table_is_made_by_another_name_and_replicated() -> None:
    text = create("facts", replicated=True, as_name="facts_rebuilt")
    assert text.startswith("CREATE TABLE facts_rebuilt\n(")
    assert "\nENGINE = ReplicatedReplacingMergeTree(pos)\n" in text


class Policed:
    """A client of a server that has row policies."""

    def execute(self, sql: str, *_: Any) -> list[tuple[Any, ...]]:
        return [("only_H01", "windows", "agency = 'H01'")] if "system.row_policies" in sql else []


def test_a_row_policy_that_holds_for_this_user_is_told() -> None:
    assert interfering_objects(Policed()) == [
        "row policy only_H01 hides rows of windows from this user (except where \"agency = 'H01'\"): drop it, or "
        "except this user from it"
    ]


@pytest.fixture(scope="module")
def plan(clickhouse_server: ClickHouseConnection) -> Iterator[Plan]:
    """One database for all tests of this module; each leaves it as declared."""
    connection = structs.replace(clickhouse_server, database="test_structure")
    plan = Plan(KafkaConnection("127.0.0.1:1"), connection, INSTANT, 8, 1, False)
    make_tables(plan, lambda _: None, dry_run=False)
    yield plan
    client = connect(connection)
    client.execute("DROP DATABASE test_structure SYNC")
    client.disconnect()


@pytest.fixture
def client(plan: Plan) -> Iterator[Client]:
    client = connect(plan.clickhouse)
    yield client
    client.disconnect()


def looked_at(plan: Plan, *, dry_run: bool = True) -> tuple[list[str], list[str]]:
    """What a migration mends (or would), without its SQL, and what it leaves."""
    told: list[str] = []
    left = make_tables(plan, told.append, dry_run=dry_run)
    return [line for line in told if line.startswith(("apply ", "repair: "))], left


def readers(name: str) -> set[str]:
    """The views that read it, themselves or through others."""
    found = {view for view, text in VIEWS.items() if re.search(rf"\b{name}\b", text.partition(" AS\n")[2])} - {name}
    return found.union(*map(readers, found))


@pytest.mark.clickhouse
class TestDatabase:
    def test_the_structure_is_what_the_migrations_make(self, client: Client) -> None:
        """Where it is not: `python -m tests.structure`."""
        assert generator.written(client) == generator.FILE.read_text()
        assert set(structure()) == {table.name for table in TABLES} | {"sources_of_events"}

    def test_what_refreshing_makes_is_as_declared(self, plan: Plan, client: Client) -> None:
        refresh(client, ("refresh_city_past", "refresh_city_waiting"))
        assert looked_at(plan) == ([], [])

    def test_a_roll_up_that_lost_its_definition_on_a_full_disk_is_made_anew(self, plan: Plan, client: Client) -> None:
        """The engine leaves the file empty where the disk becomes full while a view exchanges its table."""
        (place,) = client.execute(
            "SELECT data_paths[1], metadata_path FROM system.tables "
            "WHERE database = currentDatabase() AND name = 'city_waiting'"
        )
        store = next(each for each in Path(place[0]).parents if each.name == "store")
        (store.parent / place[1]).write_bytes(b"")
        with pytest.raises(ServerException, match="Empty query"):
            refresh(client, ("refresh_city_waiting",))
        words = "repair: table city_waiting has lost its definition"
        assert looked_at(plan, dry_run=False) == ([words], [])
        refresh(client, ("refresh_city_waiting",))
        assert looked_at(plan) == ([], [])

    def test_a_view_that_shows_every_result_as_on_time_is_told_and_made_anew(self, plan: Plan, client: Client) -> None:
        day = at("2026-03-09 16:00")
        columns = "agency, window, partition, pos, resolved, resolved_on_time"
        client.execute(f"INSERT INTO windows ({columns}) VALUES", [("H01", day, 1, 1, 707, 93)])
        shown = "SELECT resolved, resolved_on_time FROM agency_windows WHERE period = 'year'"
        declared = "sum(by_period.resolved_on_time) AS resolved_on_time"
        client.execute(VIEWS["agency_windows"].replace(declared, "sum(by_period.resolved) AS resolved_on_time"))
        assert client.execute(shown) == [(707, 707)]
        words = (
            "repair: view agency_windows says `sum(by_period.resolved) AS resolved_on_time` where "
            "`sum(by_period.resolved_on_time) AS resolved_on_time` is declared"
        )
        assert looked_at(plan) == ([words], [])
        assert client.execute(shown) == [(707, 707)]
        assert looked_at(plan, dry_run=False) == ([words], [])
        assert client.execute(shown) == [(707, 93)]
        assert looked_at(plan) == ([], [])
        client.execute("TRUNCATE TABLE windows")

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            ("DROP VIEW dossiers", "view dossiers is missing"),
            ("DROP VIEW refresh_city_past", "view refresh_city_past is missing"),
            (
                VIEWS["overdue_dossiers"].replace("WHERE is_overdue", "WHERE is_open AND is_overdue"),
                "view overdue_dossiers says `WHERE is_open AND is_overdue` where `WHERE is_overdue` is declared",
            ),
            (
                VIEWS["data_age"].replace("VIEW data_age AS", "VIEW data_age (a Int8, b Int8, c String) AS"),
                "view data_age says `a Int8 b Int8 c String` where `published_at Nullable(DateTime64(3, 'UTC')) ",
            ),
            (
                "DROP DICTIONARY procedure_labels SETTINGS check_table_dependencies = 0",
                "dictionary procedure_labels is missing",
            ),
            (DICTIONARIES["agency_places"], "dictionary agency_places says `SOURCE(CLICKHOUSE("),
            (
                DICTIONARIES["agency_labels"].replace("LIFETIME(MIN 10", "LIFETIME(MIN 20"),
                "dictionary agency_labels says `SOURCE(CLICKHOUSE(",
            ),
            ("DROP TABLE sources_of_events", "trigger sources_of_events is missing"),
            ("DROP TABLE city_past", "table city_past is missing"),
            (
                "ALTER TABLE events MODIFY TTL toDateTime(occurred_at) + INTERVAL 30 DAY",
                "table events: ttl is `toDateTime(occurred_at) + toIntervalDay(30)`, declared is nothing",
            ),
            ("ALTER TABLE pulse REMOVE TTL", "table pulse: ttl is nothing, declared is `toDateTime(at) + "),
            (
                "ALTER TABLE windows ADD CONSTRAINT closed CHECK pos = 0",
                "table windows: constraint closed is `CHECK pos = 0`, declared is nothing",
            ),
            (
                "ALTER TABLE facts MODIFY SETTING merge_selector_base = 3",
                "table facts: setting merge_selector_base is `3`, declared is `15`",
            ),
            (
                "ALTER TABLE facts MODIFY SETTING ttl_only_drop_parts = 1",
                "table facts: setting ttl_only_drop_parts is `1`, declared is nothing",
            ),
            (
                "ALTER TABLE events MODIFY COLUMN payload CODEC(NONE)",
                "table events: column payload is `String CODEC(NONE)`, declared is `String CODEC(ZSTD(1))`",
            ),
            (
                "ALTER TABLE facts MODIFY COLUMN step CODEC(ZSTD(3))",
                "table facts: column step is `LowCardinality(String) CODEC(ZSTD(3))`, declared is ",
            ),
        ],
    )
    def test_what_no_row_can_be_lost_by_is_mended(self, plan: Plan, client: Client, broken: str, words: str) -> None:
        client.execute(broken)
        told, left = looked_at(plan, dry_run=False)
        assert [line for line in told if line.startswith(f"repair: {words}")]
        assert left == []
        assert looked_at(plan) == ([], [])

    @pytest.mark.parametrize(
        ("broken", "words", "by_hand"),
        [
            (
                "ALTER TABLE windows ADD COLUMN note String",
                "table windows: column note is `String`, declared is nothing; drop it unless it is meant: "
                "ALTER TABLE windows DROP COLUMN note",
                "ALTER TABLE windows DROP COLUMN note",
            ),
            (
                "ALTER TABLE facts MODIFY COLUMN case_kind String",
                "table facts: column case_kind is `String`, declared is `LowCardinality(String)`; stop the "
                "workers and run `dossier rebuild`, which makes the table again",
                "ALTER TABLE facts MODIFY COLUMN case_kind LowCardinality(String)",
            ),
            (
                "RENAME TABLE gaps TO elsewhere",
                "table gaps is missing: no other table has its content, restore the database's backup",
                "RENAME TABLE elsewhere TO gaps",
            ),
            (
                "CREATE MATERIALIZED VIEW rogue TO windows AS SELECT 'H01' AS agency, 5 AS resolved FROM events",
                "materialized view test_structure.rogue writes into windows, which nothing declares: DROP VIEW "
                "`test_structure`.`rogue`, then `dossier audit` shows what it did",
                "DROP VIEW rogue",
            ),
        ],
    )
    def test_what_a_person_must_mend_is_told_with_how(
        self, plan: Plan, client: Client, broken: str, words: str, by_hand: str
    ) -> None:
        client.execute(broken)
        told, left = looked_at(plan, dry_run=False)
        assert left == [words]
        # A view that shows a column has it as the table does.
        assert all(line.startswith("repair: view ") for line in told)
        client.execute(by_hand)
        looked_at(plan, dry_run=False)
        assert looked_at(plan) == ([], [])

    def test_a_table_in_the_place_of_a_view_is_never_dropped(self, plan: Plan, client: Client) -> None:
        client.execute("DROP VIEW freshness")
        client.execute("CREATE TABLE freshness ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a")
        words = "freshness is a table where a view is declared: rename or drop it, then run `dossier migrate`"
        assert looked_at(plan, dry_run=False) == ([], [words])
        assert client.execute("SELECT a FROM freshness") == [(1,)]
        client.execute("DROP TABLE freshness")
        assert looked_at(plan, dry_run=False) == (["repair: view freshness is missing"], [])

    def test_a_table_that_is_missing_does_not_hide_what_else_is_wrong(self, plan: Plan, client: Client) -> None:
        client.execute("RENAME TABLE facts TO elsewhere")
        client.execute("DROP VIEW dossiers")
        told, left = looked_at(plan, dry_run=False)
        assert "repair: view dossiers is missing" in told
        assert left[0] == "table facts is missing: stop the workers, then run `dossier rebuild`"
        assert left[1].startswith("dossiers.sql cannot be applied before that: ")
        client.execute("RENAME TABLE elsewhere TO facts")
        assert "repair: view dossiers is missing" in looked_at(plan, dry_run=False)[0]
        assert looked_at(plan) == ([], [])

    def test_what_a_site_keeps_beside_is_nobodys_fault(self, plan: Plan, client: Client) -> None:
        client.execute("CREATE VIEW of_the_site AS SELECT agency FROM dossiers")
        assert looked_at(plan) == ([], [])
        assert harmless_objects(client) == ["of_the_site"]
        client.execute("DROP VIEW of_the_site")
        assert harmless_objects(client) == []

    def test_views_are_described_again_only_where_the_structure_changed(
        self, plan: Plan, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert looked_at(plan) == ([], [])
        described: list[str] = []
        execute = Client.execute

        def counted(client: Client, sql: str, *arguments: Any, **named: Any) -> Any:
            described.extend([sql] * sql.startswith("DESCRIBE"))
            return execute(client, sql, *arguments, **named)

        monkeypatch.setattr(Client, "execute", counted)
        assert (looked_at(plan), described) == (([], []), [])
        client.execute("ALTER TABLE windows ADD COLUMN beside UInt8")
        told, _ = looked_at(plan)
        assert told == []
        assert len(described) == len(readers("windows"))
        client.execute("ALTER TABLE windows DROP COLUMN beside")
        assert looked_at(plan) == ([], [])
        assert len(described) == len(readers("windows"))

    def test_a_dictionary_is_made_anew_though_a_view_depends_on_it(self, plan: Plan, client: Client) -> None:
        client.execute("CREATE VIEW named AS SELECT dictGet('agency_labels', 'name_vi', tuple('H01')) AS name")
        client.execute(DICTIONARIES["agency_labels"])
        told, left = looked_at(plan, dry_run=False)
        assert (len(told), left) == (1, [])
        assert client.execute("SELECT name FROM named") == [("",)]
        client.execute("DROP VIEW named")
        assert looked_at(plan) == ([], [])

    def test_a_source_that_cannot_be_read_is_told_with_the_sql_against_it(self, plan: Plan, client: Client) -> None:
        assert unreadable_dictionaries(client, "test_structure") == []
        unchecked = {"check_table_dependencies": 0}
        client.execute("RENAME TABLE procedures TO hidden", settings=unchecked)
        with suppress(ServerException):
            client.execute("SYSTEM RELOAD DICTIONARY procedure_labels")
        (words,) = unreadable_dictionaries(client, "test_structure")
        client.execute("RENAME TABLE hidden TO procedures", settings=unchecked)
        client.execute("SYSTEM RELOAD DICTIONARY procedure_labels")
        assert words.startswith("dictionaries procedure_labels cannot be read (")
        assert "CREATE USER IF NOT EXISTS dossier_dictionaries IDENTIFIED WITH no_password HOST LOCAL" in words
        assert "GRANT SELECT ON test_structure.reference_loads TO dossier_dictionaries" in words
        assert "official_names" not in words
        assert looked_at(plan) == ([], [])

    def test_a_trigger_of_another_database_is_found(self, plan: Plan, client: Client) -> None:
        client.execute("CREATE DATABASE test_structure_2")
        try:
            client.execute(
                "CREATE MATERIALIZED VIEW test_structure_2.rogue TO windows AS SELECT 5 AS resolved FROM events"
            )
            (words,) = looked_at(plan)[1]
            assert words.startswith("materialized view test_structure_2.rogue writes into windows")
        finally:
            client.execute("DROP DATABASE test_structure_2 SYNC")

    def test_a_setting_that_cuts_what_is_shown_is_told(self, client: Client) -> None:
        client.settings = {**client.settings, "limit": 10}
        assert "setting limit is set for this user, so its results are incomplete: unset it" in interfering_objects(
            client
        )
