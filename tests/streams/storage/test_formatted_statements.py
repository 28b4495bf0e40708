"""Statements are compared in one form, and as they are now, however often they were compared before."""

import pytest
from clickhouse_driver import Client

from schemas.connection import ClickHouseConnection
from schemas.ddl import structure
from streams.storage.clickhouse_client import database
from streams.storage.formatted_statements import formatted, found_statements, normal


def test_nothing_but_what_means_something_is_compared() -> None:
    declared = "CREATE TABLE t\n(\n    `a` String\n)\nENGINE = ReplacingMergeTree(pos)\nORDER BY a"
    there = (
        "CREATE TABLE city.t\n(\n    `a` String COMMENT 'of city.t; it\\'s a'\n)\n"
        "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', pos)\nORDER BY a\n"
        "COMMENT 'a table'"
    )
    assert normal(there, "city") == declared == normal(declared, "city")
    assert normal("SELECT 'city.t' FROM `city`.t, other.t", "city") == "SELECT 'city.t' FROM t, other.t"
    assert normal("ENGINE = ReplicatedMergeTree('/x', 'y')", "city") == "ENGINE = MergeTree"
    assert normal("ENGINE = ReplicatedMergeTree\nORDER BY a", "city") == "ENGINE = MergeTree\nORDER BY a"


@pytest.mark.clickhouse
class TestEngine:
    def test_a_statement_that_was_compared_is_not_formatted_again(
        self, clickhouse: ClickHouseConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with database(clickhouse) as client:
            found, declared = found_statements(client), formatted(client, ["SELECT  1", "SELECT 2"])
            assert declared == ["SELECT 1", "SELECT 2"]
            asked: list[str] = []
            execute = Client.execute

            def noting(client: Client, sql: str, *rest: object, **named: object) -> object:
                asked.append(sql)
                return execute(client, sql, *rest, **named)

            monkeypatch.setattr(Client, "execute", noting)
            assert found_statements(client) == found
            assert found.keys() >= structure().keys()
            assert formatted(client, ["SELECT 2", "SELECT  1"]) == ["SELECT 2", "SELECT 1"]
        assert [sql for sql in asked if "formatQuery" in sql] == []

    def test_what_is_made_changed_or_dropped_shows_at_once(self, clickhouse: ClickHouseConnection) -> None:
        with database(clickhouse) as client:
            before = found_statements(client)
            client.execute("CREATE VIEW shown AS SELECT 1 AS a")
            assert found_statements(client).keys() - before.keys() == {"shown"}
            client.execute("CREATE OR REPLACE VIEW shown AS SELECT 2 AS a")
            assert "SELECT 2 AS a" in found_statements(client)["shown"]
            client.execute("DROP VIEW shown")
            assert found_statements(client) == before
