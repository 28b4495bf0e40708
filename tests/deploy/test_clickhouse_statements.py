"""The little that the server understands of a statement itself."""

import time

import pytest

from deploy.embedded.clickhouse.statements import (
    Insert,
    first_word,
    literal,
    masked,
    parse_insert,
    quoted,
    refuse_foreign,
    shape,
    without_end,
    without_format,
)
from tests.thorough import sized


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("select 1", "SELECT"),
        ("-- note\n/* SELECT */ insert into t", "INSERT"),
        ("(SELECT 1)", "("),
        (" \n", ""),
        ("-- only", ""),
    ],
)
def test_a_statement_is_known_by_its_first_word(sql: str, word: str) -> None:
    assert first_word(sql) == word


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        ("SELECT 1 FORMAT JSON", "SELECT 1 "),
        ("SELECT 1\nformat TSV -- in the end", "SELECT 1\n -- in the end"),
        ("SELECT 1 FORMAT JSON SETTINGS a = 1", "SELECT 1  SETTINGS a = 1"),
        ("SELECT 'x FORMAT JSON'", "SELECT 'x FORMAT JSON'"),
        ("SELECT $$ FORMAT JSON$$", "SELECT $$ FORMAT JSON$$"),
        ("SELECT $a$ FORMAT JSON$a$", "SELECT $a$ FORMAT JSON$a$"),
        ("SELECT format FROM t", "SELECT format FROM t"),
        ("SELECT `FORMAT` x", "SELECT `FORMAT` x"),
        ("SELECT 'it''s \\' FORMAT' AS a FORMAT CSV", "SELECT 'it''s \\' FORMAT' AS a "),
    ],
)
def test_a_format_is_the_clients_business(sql: str, rest: str) -> None:
    assert without_format(sql) == rest


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1 ; ;\n-- ;", "SELECT 1"),
        ("SELECT ';' -- ;", "SELECT ';'"),
        (";", ""),
    ],
)
def test_a_statement_ends_before_its_semicolons(sql: str, rest: str) -> None:
    assert without_end(sql) == rest


@pytest.mark.parametrize(
    ("sql", "insert"),
    [
        ("INSERT INTO t VALUES", Insert("t")),
        ("insert into table d . `a b` format Native ;", Insert("d . `a b`")),
        ("INSERT INTO d.t (a, `b )`, n.x) VALUES ", Insert("d.t", "(a, `b )`, n.x)")),
        ("INSERT INTO t(a) SETTINGS x = '1' /* VALUES */ VALUES", Insert("t", "(a)", "SETTINGS x = '1' /* VALUES */ ")),
        ("INSERT INTO table VALUES", Insert("table")),
        ("INSERT INTO t (* EXCEPT(a)) VALUES", Insert("t", "(* EXCEPT(a))")),
        ("INSERT INTO t (a) SELECT b FROM f(x) FORMAT Native", None),
        ("INSERT INTO t SELECT * FROM u", None),
        ("INSERT INTO t SELECT * FROM u FORMAT Native", None),
        ("INSERT INTO t VALUES (1)", None),
        ("INSERT INTO FUNCTION null('a UInt8') VALUES", None),
        ("SELECT 1 FORMAT VALUES", None),
    ],
)
def test_an_insert_whose_rows_follow_is_taken_apart(sql: str, insert: Insert | None) -> None:
    assert parse_insert(sql) == insert


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t SETTINGS " + " " * 100_000 + "x",
        "INSERT INTO t (" + "(a)" * 30_000,
        "INSERT INTO " + "a." * 50_000,
        "CREATE TABLE t " + "ENGINE " * 10_000 + " " * 50_000,
        "SELECT /*" + " " * 100_000 + "*/ 1;" + " FORMAT" * 10_000,
    ],
)
def test_long_statements_take_no_long_time(sql: str) -> None:
    start = time.process_time()
    parse_insert(sql), without_end(sql), without_format(sql)
    refuse_foreign(sql)
    assert time.process_time() - start < 1


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["/* ", "\\'", "'\\", "$a$ $b", "`\\`", '"\\"', "''"])
@pytest.mark.parametrize("opened", ["", "'", "`", '"'])
def test_what_opens_and_never_closes_takes_no_long_time(opened: str, piece: str) -> None:
    start = time.perf_counter()
    statement = "INSERT INTO t VALUES " + opened + piece * sized(100_000, 300_000)
    parse_insert(statement)
    shape(statement)
    assert time.perf_counter() - start < 10, "reading it again from each place would take hours"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("SELECT 1, 'a'", "SELECT 300, 'it\\'s' -- note", True),
        ("SELECT $$a$$", "SELECT ''", True),
        ("SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (34, 5)", True),
        ("SELECT a", "SELECT b", False),
        ("SELECT `a`", "SELECT `b`", False),
        ('SELECT "a"', "SELECT 'a'", False),
        ("SELECT 'a', 1", "SELECT 'a, 1'", False),
    ],
)
def test_statements_have_one_shape_where_only_literals_and_comments_differ(one: str, other: str, is_same: bool) -> None:
    assert (shape(one).rstrip() == shape(other).rstrip()) is is_same


def test_a_dollar_within_a_name_opens_nothing() -> None:
    assert parse_insert("INSERT INTO t (a$b$c) VALUES") == Insert("t", "(a$b$c)")
    assert parse_insert("INSERT INTO t SETTINGS x = $q$ VALUES ' $q$ VALUES") == Insert(
        "t", "", "SETTINGS x = $q$ VALUES ' $q$ "
    )


def test_rows_from_a_file_keep_target_columns_and_settings() -> None:
    insert = Insert("d.t", "(a)", "SETTINGS x = 1")
    assert insert.from_file("/f") == "INSERT INTO d.t (a) FROM INFILE '/f' SETTINGS x = 1 FORMAT Native"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (engine String, `on` UInt8, cluster UInt8) ENGINE = MergeTree ORDER BY engine",
        "CREATE TABLE t (a String COMMENT 'ENGINE = Kafka') ENGINE = Memory",
        "CREATE DATABASE user",
        "DROP TABLE user",
    ],
)
def test_what_only_looks_foreign_passes(sql: str) -> None:
    refuse_foreign(sql)


@pytest.mark.parametrize("name", ["plain", "a`b", "a\\b", "a'b", "`", "x` (a UInt8) --", "\\'", ""])
def test_names_and_strings_are_quoted_whatever_they_contain(name: str) -> None:
    assert set(masked(quoted(name))) == {"`"}
    assert set(masked(literal(name))) == {"'"}
