"""What a client may ask of the embedded server, and what it is told when something is wrong."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from tests.thorough import sized

pytestmark = pytest.mark.clickhouse

Connect = Callable[..., Client]
FOREVER = "SELECT sum(sleepEachRow(0.05)) FROM numbers(100000) SETTINGS max_block_size = 1"


def refused(client: Client, sql: str, rows: list[tuple[object, ...]] | None = None) -> ServerException:
    with pytest.raises(ServerException) as caught:
        client.execute(sql, rows)
    assert client.execute("SELECT 1") == [(1,)], "the connection must live on"
    return caught.value


def here(client: Client) -> str:
    return str(client.execute("SELECT currentDatabase()")[0][0])


def running(client: Client, text: str) -> int:
    counted = client.execute(
        "SELECT count() FROM system.processes WHERE query LIKE %(text)s AND query NOT LIKE '%%system.processes%%'",
        {"text": f"%{text}%"},
    )
    return int(counted[0][0])


def await_running(client: Client, text: str, count: int) -> None:
    deadline = time.monotonic() + 10
    while running(client, text) != count:
        assert time.monotonic() < deadline, f"still not {count} running: {text}"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT nope", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT 1 FROM nope", 60, "UNKNOWN_TABLE"),
        ("SELECT 1 FROM nope.nope", 81, "UNKNOWN_DATABASE"),
        ("SELECT throwIf(number = 200000) FROM numbers(300000)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("sElEct from from", 62, "SYNTAX_ERROR"),
        ("1 + 1", 62, "SYNTAX_ERROR"),
        ("", 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 62, "Multi-statements"),
        ("SELECT 1 INTO OUTFILE 'x'", 48, "INTO OUTFILE"),
        ("SELECT count() FROM numbers(3) GROUP BY number WITH TOTALS", 48, "WITH TOTALS"),
        ("CREATE TABLE t (a UInt8) ENGINE = Kafka('x', 'y', 'z', 'JSON')", 48, "ENGINE = Kafka"),
        ("CREATE TABLE t (a UInt8) ENGINE=ReplicatedMergeTree('/x', 'r') ORDER BY a", 48, "ReplicatedMergeTree"),
        ("CREATE TABLE t ON CLUSTER main (a UInt8) ENGINE = Memory", 48, "ON CLUSTER"),
        ("ALTER TABLE t /* all */ ON\nCLUSTER main ADD COLUMN b UInt8", 48, "ON CLUSTER"),
        ("CREATE USER somebody", 48, "users, roles"),
        ("GRANT SELECT ON *.* TO somebody", 48, "users, roles"),
        ("CREATE TABLE default.t (a UInt8) ENGINE = Memory", 48, "database of their own"),
    ],
)
def test_an_error_has_clickhouses_code_and_name(client: Client, sql: str, code: int, name: str) -> None:
    error = refused(client, sql)
    assert (error.code, name in str(error)) == (code, True), str(error)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 7;",
        "SELECT 7 ; -- the end",
        "SELECT 7 -- the end",
        "(SELECT 7)",
        "WITH 7 AS x SELECT x",
        "WITH t AS (SELECT 7 AS a) SELECT a FROM t ORDER BY a LIMIT 1 SETTINGS max_threads = 1 FORMAT JSON;",
        "FROM numbers(8) SELECT max(number)",
        "SELECT max(a) FROM (SELECT 7 AS a UNION ALL SELECT 6)",
        "/* note */ SELECT CAST(7 AS UInt8) INTERSECT SELECT 7",
        "SELECT 7 WHERE 1 IN (SELECT 1) SETTINGS limit = 1",
    ],
)
def test_a_question_may_have_any_form(client: Client, sql: str) -> None:
    assert client.execute(sql) == [(7,)]


def test_statements_about_tables_answer_too(client: Client) -> None:
    assert client.execute("SHOW TABLES", with_column_types=True) == ([], [("name", "String")])
    assert client.execute("CREATE TABLE t (a UInt8, at DateTime('UTC')) ENGINE = Memory;") == []
    assert client.execute("EXISTS TABLE t") == [(1,)]
    assert client.execute("SHOW TABLES") == [("t",)]
    assert [row[:2] for row in client.execute("DESCRIBE TABLE t")] == [("a", "UInt8"), ("at", "DateTime('UTC')")]
    assert "ENGINE = Memory" in client.execute("SHOW CREATE TABLE t")[0][0]
    assert client.execute("EXPLAIN SELECT * FROM t")
    client.execute("ALTER TABLE t RENAME COLUMN a TO b")
    client.execute("DROP TABLE t SYNC")
    assert client.execute("SHOW TABLES") == []


def test_names_of_what_is_refused_may_stand_in_strings_and_comments(client: Client) -> None:
    client.execute("CREATE TABLE t (a String DEFAULT 'ENGINE = Kafka ON CLUSTER x') ENGINE = Memory -- ON CLUSTER y")
    sql = "SELECT 'FORMAT JSON', 'WITH TOTALS' AS format /* FORMAT CSV */ FORMAT JSON"
    assert client.execute(sql) == [("FORMAT JSON", "WITH TOTALS")]


def test_rows_that_break_a_constraint_are_an_error_and_none_is_there(client: Client) -> None:
    client.execute("CREATE TABLE t (a UInt32, CONSTRAINT small CHECK a < 1000) ENGINE = MergeTree ORDER BY a")
    error = refused(client, "INSERT INTO t VALUES", [(number,) for number in range(1001)])
    assert (error.code, "VIOLATED_CONSTRAINT" in str(error)) == (469, True)
    assert client.execute("SELECT count() FROM t") == [(0,)]
    assert client.execute("INSERT INTO t (a) VALUES", [(1,), (2,)]) == 2
    assert client.execute("SELECT a FROM t ORDER BY a") == [(1,), (2,)]


def test_rows_that_a_view_refuses_are_an_error(client: Client) -> None:
    client.execute("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a")
    view = "CREATE MATERIALIZED VIEW v ENGINE = Memory AS SELECT throwIf(a > 5) AS x FROM t"
    client.execute(view)
    assert refused(client, "INSERT INTO t VALUES", [(6,)]).code == 395


def test_insert_takes_named_columns_in_any_order_and_its_settings(client: Client) -> None:
    client.execute(
        "CREATE TABLE t (a UInt32, `the b` String DEFAULT 'none', c UInt32 MATERIALIZED a * 2) ENGINE = Memory"
    )
    client.execute("INSERT INTO t (`the b`, a) SETTINGS max_threads = 1 VALUES", [("x", 1)])
    client.execute("INSERT INTO TABLE t (a) FORMAT Native", [(2,)])
    client.execute("INSERT INTO t VALUES", [(3, "y")])
    client.execute("INSERT INTO t VALUES", [])
    client.execute("INSERT INTO t SELECT 4, 'z'")
    client.execute("INSERT INTO t (* EXCEPT(`the b`, c)) VALUES", [(0,)])
    assert client.execute("SELECT a, `the b`, c FROM t ORDER BY a") == [
        (0, "none", 0),
        (1, "x", 2),
        (2, "none", 4),
        (3, "y", 6),
        (4, "z", 8),
    ]
    assert refused(client, "INSERT INTO t (a, nope) VALUES", [(1, 2)]).code == 16
    assert refused(client, "INSERT INTO nope VALUES", [(1, 2)]).code == 60


def test_an_insert_expects_what_the_table_has_by_now(client: Client, connect: Connect) -> None:
    other = connect()
    client.execute("CREATE DATABASE IF NOT EXISTS later")
    client.execute("CREATE TABLE t (a UInt8) ENGINE = Memory")
    client.execute("CREATE OR REPLACE TABLE later.t (b String) ENGINE = Memory")
    client.execute("INSERT INTO t VALUES", [(1,)])
    other.execute(f"ALTER TABLE {here(client)}.t ADD COLUMN b String")
    client.execute("INSERT INTO t VALUES", [(2, "two")])
    client.execute("CREATE TEMPORARY TABLE t (c Date)")
    client.execute("INSERT INTO t VALUES", [(date(2026, 1, 1),)])
    assert client.execute("SELECT * FROM t") == [(date(2026, 1, 1),)]
    client.execute("DROP TEMPORARY TABLE t")
    client.execute("INSERT INTO t VALUES", [(3, "three")])
    assert client.execute("SELECT * FROM t ORDER BY a") == [(1, ""), (2, "two"), (3, "three")]
    client.execute("USE later")
    client.execute("INSERT INTO t VALUES", [("four",)])
    assert client.execute("SELECT * FROM t") == [("four",)]


def test_a_query_has_the_columns_of_its_tables_by_now(client: Client, connect: Connect) -> None:
    def asked(**settings: object) -> object:
        sql = "SELECT b FROM t LEFT JOIN more USING a"
        return client.execute(sql, settings=settings, with_column_types=True)[1]

    client.execute("CREATE TABLE t (a UInt8) ENGINE = Memory")
    client.execute("CREATE TABLE more (a UInt8, b DateTime('Asia/Ho_Chi_Minh')) ENGINE = Memory")
    for _ in range(2):
        assert asked(join_use_nulls=0) == [("b", "DateTime('Asia/Ho_Chi_Minh')")]
        assert asked(join_use_nulls=1) == [("b", "Nullable(DateTime('Asia/Ho_Chi_Minh'))")]
    connect().execute(f"ALTER TABLE {here(client)}.more MODIFY COLUMN b DateTime('Europe/Amsterdam')")
    assert asked(join_use_nulls=0) == [("b", "DateTime('Europe/Amsterdam')")]


def test_a_table_that_comes_with_a_query_may_be_another_the_next_time(client: Client) -> None:
    for spec, value in (("UInt8", 1), ("String", "one"), ("UInt8", 2)):
        came = {"name": "came", "structure": [("a", spec)], "data": [{"a": value}]}
        told = client.execute("SELECT a FROM came", external_tables=[came], with_column_types=True)
        assert told == ([(value,)], [("a", spec)])


@pytest.mark.parametrize("call", ["file", "`file`", "file "])
def test_a_file_may_have_other_columns_the_next_time(client: Client, tmp_path: Path, call: str) -> None:
    file = tmp_path / "some.tsv"
    for name, spec in (("a", "UInt8"), ("b", "String")):
        file.write_text(f"{name}\n{spec}\n1\n")
        sql = f"SELECT * FROM {call}('{file}', 'TSVWithNamesAndTypes') SETTINGS schema_inference_use_cache_for_file = 0"
        assert client.execute(sql, with_column_types=True)[1] == [(name, spec)]


def test_many_megabytes_go_in_and_come_out(client: Client) -> None:
    client.execute("CREATE TABLE t (a UInt64, s String, n LowCardinality(String)) ENGINE = MergeTree ORDER BY a")
    rows = [(number, f"{number:x}" * 20, f"n{number % 10}") for number in range(100_000)]
    client.execute("INSERT INTO t VALUES", rows, settings={"insert_block_size": 30_000})
    assert client.execute("SELECT * FROM t ORDER BY a") == rows


def test_one_huge_string_passes(client: Client) -> None:
    client.execute("CREATE TABLE t (s String) ENGINE = Memory")
    client.execute("INSERT INTO t VALUES", [("x" * 20_000_000,), ("y",)])
    assert client.execute("SELECT length(s) FROM t ORDER BY s") == [(20_000_000,), (1,)]


def test_a_large_result_comes_as_a_stream(client: Client) -> None:
    start = time.monotonic()
    rows = client.execute_iter("SELECT number, toString(number) FROM numbers(1000000000)")
    assert next(rows) == (0, "0")
    assert time.monotonic() - start < 10
    client.disconnect()


def test_settings_hold_for_their_query_only(client: Client) -> None:
    ask = "SELECT getSetting('max_block_size'), getSetting('max_threads')"
    client.execute("SET max_threads = 3")
    before = client.execute(ask)[0][0]
    assert client.execute(ask, settings={"max_block_size": 77, "max_threads": 2}) == [(77, 2)]
    assert client.execute(ask, settings={"max_block_size": 78}) == [(78, 3)]
    assert client.execute(ask) == [(before, 3)]
    client.execute("SET max_threads = 4", settings={"max_threads": 5})
    assert client.execute(ask) == [(before, 4)]


def test_unknown_settings_are_ignored_unless_important(connect: Connect) -> None:
    client = connect()
    assert client.execute("SELECT 1", settings={"not_a_setting": 5}) == [(1,)]
    important = connect(settings_is_important=True)
    with pytest.raises(ServerException) as caught:
        important.execute("SELECT 1", settings={"not_a_setting": 5})
    assert caught.value.code == 115


def test_a_client_does_not_fill_the_servers_output_with_logs(client: Client) -> None:
    ask = "SELECT getSetting('send_logs_level')"
    assert client.execute(ask, settings={"send_logs_level": "trace"}) == client.execute(ask)


def test_a_bad_value_of_a_setting_is_an_error_once(client: Client) -> None:
    for _ in range(2):
        with pytest.raises(ServerException):
            client.execute("SELECT 1", settings={"join_algorithm": "nonsense", "max_threads": 2})
        assert client.execute("SELECT 1") == [(1,)]


def test_a_limit_that_a_client_sets_does_not_hide_other_settings(connect: Connect) -> None:
    client = connect(settings={"limit": 1, "offset": 1})
    client.execute("SELECT 1")
    limited = {"max_rows_to_read": 1, "max_block_size": 1}
    with pytest.raises(ServerException, match="TOO_MANY_ROWS"):
        client.execute("SELECT sum(number) FROM numbers(1000)", settings=limited)


def test_nothing_of_a_failed_query_stands_before_the_next_answer(client: Client) -> None:
    for number in range(sized(40, 200)):
        with pytest.raises(ServerException):
            client.execute("SELECT * FROM nowhere" if number % 2 else "SELECT throwIf(number = 3) FROM numbers(9)")
        assert client.execute(f"SELECT {number}") == [(number,)]
        assert client.execute("EXISTS TABLE nowhere") == [(0,)]


def test_tables_that_come_with_a_query(client: Client) -> None:
    table = {
        "name": "wanted",
        "structure": [("id", "UInt32"), ("at", "DateTime('Asia/Ho_Chi_Minh')"), ("e", "Enum8('it\\'s' = 1)")],
        "data": [{"id": number, "at": 0, "e": 1} for number in range(0, 100, 2)],
    }
    for _ in range(2):
        counted = client.execute(
            "SELECT count() FROM numbers(50) WHERE number IN (SELECT id FROM wanted)", external_tables=[table]
        )
        assert counted == [(25,)]
    assert refused(client, "SELECT * FROM wanted").code == 60


def test_sessions_are_apart(connect: Connect) -> None:
    one, other = connect(), connect()
    one.execute("CREATE TEMPORARY TABLE mine (a UInt8)")
    one.execute("INSERT INTO mine VALUES", [(1,)])
    assert one.execute("SELECT a FROM mine") == [(1,)]
    assert refused(other, "SELECT a FROM mine").code == 60


def test_a_reader_reads_and_sets_and_does_nothing_else(client: Client, connect: Connect) -> None:
    client.execute("CREATE TABLE t (a UInt8) ENGINE = Memory")
    [(database,)] = client.execute("SELECT currentDatabase()")
    reader = connect(user="reader", database=database)
    assert reader.execute("SELECT count() FROM t", settings={"max_threads": 1}) == [(0,)]
    reader.execute("SET max_block_size = 1000")
    table = {"name": "x", "structure": [("a", "UInt8")], "data": [{"a": 7}]}
    assert reader.execute("SELECT a FROM x", external_tables=[table]) == [(7,)]
    for sql in (
        "INSERT INTO t SELECT 1",
        "INSERT INTO FUNCTION file('x', 'TSV', 'a UInt8') SELECT 1",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "CREATE TABLE other (a UInt8) ENGINE = Memory",
        "CREATE DATABASE other",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "SET readonly = 0",
    ):
        assert refused(reader, sql).code == 164, sql
    assert refused(reader, "INSERT INTO t VALUES", [(1,)]).code == 164
    with pytest.raises(ServerException) as caught:
        reader.execute("DROP TABLE t", settings={"readonly": 0})
    assert caught.value.code == 164
    assert reader.execute("SELECT count() FROM t") == [(0,)]


@pytest.mark.parametrize("login", [{"user": "nobody"}, {"user": "default", "password": "wrong"}])
def test_who_is_not_known_is_not_let_in(connect: Connect, login: dict[str, str]) -> None:
    with pytest.raises(ServerException) as caught:
        connect(**login).execute("SELECT 1")
    assert caught.value.code == 516


def test_a_cancelled_query_ends_at_once(client: Client, connect: Connect) -> None:
    rows = client.execute_iter(FOREVER)
    observer = connect()
    reading = threading.Thread(target=lambda: next(rows, None))
    reading.start()
    await_running(observer, "sleepEachRow(0.05)", 1)
    client.connection.send_cancel()
    reading.join(timeout=5)
    assert not reading.is_alive()
    await_running(observer, "sleepEachRow(0.05)", 0)
    assert client.execute("SELECT 1") == [(1,)]


def test_the_query_of_a_client_that_vanished_ends(connect: Connect) -> None:
    client, observer = connect(), connect()
    client.connection.force_connect()
    client.connection.send_query(FOREVER.replace("0.05", "0.06"))
    client.connection.send_external_tables(None)
    await_running(observer, "sleepEachRow(0.06)", 1)
    client.disconnect()
    await_running(observer, "sleepEachRow(0.06)", 0)


def test_clients_are_served_side_by_side(connect: Connect) -> None:
    connect().execute("CREATE DATABASE together")
    connect().execute("CREATE TABLE together.t (a UInt32, worker UInt8) ENGINE = MergeTree ORDER BY a")
    clients = [connect(compression=compression) for compression in (False, "lz4") * 3]

    def work(number: int) -> int:
        for batch in range(5):
            clients[number].execute("INSERT INTO together.t VALUES", [(batch * 100 + a, number) for a in range(100)])
            clients[number].execute("SELECT sum(a) FROM together.t WHERE worker = %(n)s", {"n": number})
        [(count,)] = clients[number].execute("SELECT count() FROM together.t WHERE worker = %(n)s", {"n": number})
        return int(count)

    with ThreadPoolExecutor(len(clients)) as pool:
        assert list(pool.map(work, range(len(clients)))) == [500] * len(clients)
    connect().execute("DROP DATABASE together")


def test_a_slow_query_holds_up_nobody(connect: Connect) -> None:
    slow, quick = connect(), connect()
    thread = threading.Thread(target=lambda: slow.execute("SELECT sleep(1.5)"))
    thread.start()
    await_running(quick, "sleep(1.5)", 1)
    start = time.monotonic()
    assert quick.execute("SELECT 1") == [(1,)]
    assert thread.is_alive()
    assert time.monotonic() - start < 1
    thread.join()
