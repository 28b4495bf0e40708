"""A query is described again exactly when something that it reads has changed, itself or through views."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from streams.storage.query_columns import Columns, QueryColumns

_versions = count()
STATEMENTS = {
    "facts": "CREATE TABLE facts\n(\n    `a` String\n)\nENGINE = MergeTree",
    "events": "CREATE TABLE events\n(\n    `a` String\n)\nENGINE = MergeTree",
    "labels": "CREATE DICTIONARY labels\n(\n    `code` String\n)\nSOURCE(CLICKHOUSE(QUERY 'SELECT code FROM loads'))",
    "dossiers": "CREATE VIEW dossiers\nAS SELECT a\nFROM facts",
    "named": "CREATE VIEW named\nAS SELECT dictGet('labels', 'name', a)\nFROM dossiers",
}
COLUMNS: dict[str, Columns] = {name: [("a", "String")] for name in STATEMENTS}


class Engine:
    """Describes every query alike and keeps what it was asked."""

    def __init__(self) -> None:
        version = (next(_versions),)
        self.connection = SimpleNamespace(server_info=SimpleNamespace(version_tuple=lambda: version))
        self.asked: list[str] = []

    def execute(self, sql: str) -> list[tuple[str, ...]]:
        self.asked.append(sql)
        return [("a", "String", "", "", "")]

    def describes(self, query: str, statements: dict[str, str] | None = None, **columns: Columns) -> bool:
        """Whether it is asked for the columns of a query, where these statements and columns are otherwise."""
        self.asked.clear()
        found: Any = QueryColumns(self, STATEMENTS | (statements or {}), COLUMNS | columns)
        assert found.of(query) == [("a", "String")]
        assert self.asked in ([], [f"DESCRIBE TABLE ({query})"])
        return bool(self.asked)


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_what_did_not_change_is_described_once(engine: Engine) -> None:
    assert engine.describes("SELECT a FROM named")
    assert not engine.describes("SELECT a FROM named")
    assert engine.describes("SELECT 1 FROM named")
    assert Engine().describes("SELECT a FROM named")


@pytest.mark.parametrize(
    ("changed", "columns"),
    [
        ({}, {"facts": [("a", "String"), ("b", "UInt8")]}),
        ({}, {"facts": [("a", "LowCardinality(String)")]}),
        ({"dossiers": "CREATE VIEW dossiers\nAS SELECT a || a\nFROM facts"}, {}),
        ({"labels": STATEMENTS["labels"].replace("code FROM", "name FROM")}, {}),
        ({"dossiers": STATEMENTS["dossiers"].replace("facts", "events")}, {}),
    ],
)
def test_what_a_query_reads_through_views_and_dictionaries_counts(
    engine: Engine, changed: dict[str, str], columns: dict[str, Columns]
) -> None:
    engine.describes("SELECT a FROM named")
    assert engine.describes("SELECT a FROM named", changed, **columns)
    assert not engine.describes("SELECT a FROM named")


def test_a_table_that_it_does_not_read_and_an_index_change_nothing(engine: Engine) -> None:
    engine.describes("SELECT a FROM named")
    assert not engine.describes("SELECT a FROM named", {"other": "CREATE TABLE other"}, events=[("b", "UInt8")])
    indexed = STATEMENTS["facts"].replace("ENGINE", "INDEX i a TYPE minmax\nENGINE")
    assert not engine.describes("SELECT a FROM named", {"facts": indexed})


def test_what_it_reads_may_be_dropped_or_made(engine: Engine) -> None:
    engine.describes("SELECT a FROM later")
    assert engine.describes("SELECT a FROM later", {"later": "CREATE VIEW later\nAS SELECT a\nFROM facts"})
