"""What a reader may say, and that nothing which the engine offers reaches files, networks or other databases."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import Error, NetworkError, ServerException

from deploy.embedded.clickhouse.errors import ServerError
from deploy.embedded.clickhouse.reader_rules import (
    FUNCTIONS,
    TABLE_FUNCTIONS,
    granted,
    is_harmless,
    refuse_database,
    refuse_tree,
)
from schemas.reader_access import LIMITS

REFUSED = {48, 62, 164, 497}
"""Not supported, no syntax of a reader, read-only, no such right."""
POSITIONS = [
    "SELECT {}",
    "SELECT 1 IN (SELECT {})",
    "SELECT (SELECT {})",
    "WITH {} AS x SELECT x",
    "WITH x AS (SELECT {}) SELECT * FROM x",
    "SELECT '' UNION ALL SELECT {}",
    "SELECT 'a' EXCEPT SELECT {}",
    "SELECT a FROM t WHERE {} = '' GROUP BY a HAVING {} = '' ORDER BY {} LIMIT 1 BY {}",
    "SELECT a FROM t PREWHERE {} = '' QUALIFY {} = ''",
    "SELECT a FROM t LIMIT length({})",
    "SELECT a FROM t ARRAY JOIN [{}] AS x",
    "SELECT a FROM t JOIN t AS u ON {} = toString(u.a)",
    "SELECT a FROM t ORDER BY a WITH FILL FROM length({}) INTERPOLATE (a AS length({}))",
    "SELECT sum(a) OVER (PARTITION BY {}) FROM t",
    "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY {})",
    "SELECT * REPLACE ({} AS a) FROM t",
    "SELECT * APPLY (x -> {}) FROM t",
    "SELECT arrayMap(x -> {}, [1])",
    "SELECT quantile(length({}))(a) FROM t",
    "SELECT CASE WHEN {} = '' THEN 1 ELSE 2 END",
    "SELECT CAST({} AS String), {}::String",
    "SELECT DISTINCT ON ({}) a FROM t",
    "SELECT * FROM numbers(length({}))",
    "SELECT * FROM view(SELECT {})",
    "SELECT ‘'’, {}",
    "SELECT $$'$$, {} -- '",
    "SELECT /* ' */ {}",
    "EXPLAIN SELECT {}",
    "EXPLAIN AST SELECT {}",
    "EXPLAIN SYNTAX SELECT {}",
    "EXPLAIN QUERY TREE SELECT {}",
    "DESCRIBE (SELECT {})",
    "(SELECT {})",
    "FROM t SELECT {}",
    "SELECT {} SETTINGS max_threads = 1",
    "SELECT {} FORMAT TSV",
]


@pytest.fixture(scope="module")
def database(clickhouse_port: int) -> Iterator[str]:
    """A database that the reader may read, with a table and a view; no test changes it."""
    name = "test_reader_rules"
    owner = Client("127.0.0.1", port=clickhouse_port)
    owner.execute(f"CREATE DATABASE {name}")
    owner.execute(f"CREATE TABLE {name}.t (a Int64) ENGINE = MergeTree ORDER BY a")
    owner.execute(f"INSERT INTO {name}.t VALUES", [(number,) for number in range(3)])
    owner.execute(f"CREATE VIEW {name}.v AS SELECT a + 1 AS b FROM {name}.t SETTINGS max_threads = 1")
    yield name
    owner.execute(f"DROP DATABASE {name}")
    owner.disconnect()


@pytest.fixture
def reader(connect: Callable[..., Client], database: str) -> Client:
    return connect(user="reader", database=database)


def code(client: Client, sql: str, **options: object) -> int:
    """The code with which a statement is refused; 0 where it is not."""
    try:
        client.execute(sql, **options)
    except ServerException as error:
        return int(error.code)
    return 0


@pytest.mark.loopback
def test_tables_and_views_are_read_with_all_that_a_query_may_have(reader: Client) -> None:
    assert reader.execute("SELECT sum(a), countIf(a > 0), uniqExactOrNull(a), sumMap([a], [1]) FROM t")[0][:3] == (
        3,
        2,
        3,
    )
    assert reader.execute("SELECT * FROM v ORDER BY b") == [(1,), (2,), (3,)]


@pytest.mark.loopback
def test_a_view_that_takes_arguments_is_called_by_its_name_or_with_its_database(
    connect: Callable[..., Client], reader: Client, database: str
) -> None:
    owner = connect(database=database)
    owner.execute("CREATE VIEW agency_tree AS SELECT a FROM t WHERE a >= {as_of:Int64}")
    try:
        for view in ("agency_tree", f"{database}.agency_tree"):
            assert reader.execute(f"SELECT * FROM {view}(as_of = 1) ORDER BY a") == [(1,), (2,)]
        owner.execute("CREATE VIEW another AS SELECT a FROM t WHERE a >= {as_of:Int64}")
        assert code(reader, "SELECT * FROM another(as_of = 1)") == 497
    finally:
        owner.execute("DROP VIEW agency_tree")
        owner.execute("DROP VIEW IF EXISTS another")
    assert reader.execute("WITH x AS (SELECT max(b) AS m FROM v) SELECT a FROM t, x WHERE a = m - 1") == [(2,)]
    assert reader.execute("SELECT number FROM numbers(2)") == [(0,), (1,)]
    assert reader.execute("SELECT a, row_number() OVER (ORDER BY a DESC) FROM t WHERE a IN (SELECT 2)") == [(2, 1)]
    assert reader.execute("SELECT a FROM t ORDER BY a LIMIT 1 SETTINGS join_use_nulls = 1, max_execution_time = 5") == [
        (0,)
    ]


@pytest.mark.loopback
def test_clients_find_what_there_is_to_read(reader: Client, database: str) -> None:
    assert reader.execute("SHOW TABLES") == [("t",), ("v",)]
    assert reader.execute(f"SHOW TABLES FROM {database} LIKE 'v%'") == [("v",)]
    assert (database,) in reader.execute("SHOW DATABASES")
    assert reader.execute("DESCRIBE TABLE t")[0][:2] == ("a", "Int64")
    assert reader.execute("EXISTS TABLE t") == [(1,)]
    assert "CREATE VIEW" in reader.execute("SHOW CREATE VIEW v")[0][0]
    assert reader.execute("EXPLAIN SELECT a FROM t")
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    assert reader.execute(tables) == [("t",), ("v",)]
    assert reader.execute("SELECT count() > 0 FROM information_schema.columns") == [(1,)]


@pytest.mark.loopback
@pytest.mark.parametrize("position", POSITIONS)
def test_a_file_is_read_from_nowhere_in_a_query(reader: Client, position: str) -> None:
    assert code(reader, position.replace("{}", "file('/etc/hostname')")) in REFUSED
    assert code(reader, position.replace("{}", "`file`('/etc/hostname')")) in REFUSED
    assert code(reader, position.replace("{}", "(SELECT * FROM url('http://127.0.0.1:1/', LineAsString))")) in REFUSED
    # The place itself is none that is refused, or this would prove nothing.
    if "APPLY" not in position and "DESCRIBE" not in position:
        assert code(reader, position.replace("{}", "lower('')")) not in REFUSED, position


@pytest.mark.loopback
def test_no_table_function_and_no_engine_is_a_way_out(
    connect: Callable[..., Client], reader: Client, tmp_path: Path
) -> None:
    owner = connect()
    functions = {name for (name,) in owner.execute("SELECT name FROM system.table_functions")}
    engines = {name for (name,) in owner.execute("SELECT name FROM system.table_engines")}
    databases = {name for (name,) in owner.execute("SELECT name FROM system.database_engines")}
    assert {"file", "url", "sqlite", "remote", "executable"} <= functions
    assert {"File", "URL", "SQLite", "Dictionary"} <= engines
    made = tmp_path / "made"
    for name in functions:
        if name.lower() in TABLE_FUNCTIONS:
            continue
        called = f"`{name}`('{made}', 'TSV', 'a String')"
        for sql in (f"SELECT * FROM {called}", f"DESCRIBE TABLE {called}", f"SELECT 1 IN (SELECT * FROM {called})"):
            # What two of them need to be called at all, they are refused by the engine itself.
            assert code(reader, sql) in REFUSED | {36, 42}, sql
        assert code(reader, f"INSERT INTO FUNCTION {called} SELECT 1") in {62, 164}
    for name in engines:
        for kind in ("TEMPORARY TABLE", "TABLE"):
            assert code(reader, f"CREATE {kind} x (a String) ENGINE = {name}('{made}')") in {62, 164}, name
    for name in databases:
        assert code(reader, f"CREATE DATABASE x ENGINE = {name}('{made}')") in {62, 164}, name
    assert not made.exists()


@pytest.mark.loopback
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 INTO OUTFILE '{made}'",
        "SELECT ‘'’ INTO OUTFILE '{made}'",
        "EXPLAIN SELECT 1 INTO OUTFILE '{made}'",
        "EXPLAIN SELECT ‘'’ INTO OUTFILE '{made}'",
        "SHOW TABLES LIKE ‘'’ INTO OUTFILE '{made}'",
        "DESCRIBE TABLE t INTO OUTFILE '{made}'",
        "EXISTS TABLE t INTO OUTFILE '{made}'",
        "BACKUP TABLE t TO File('{made}')",
        "SELECT * FROM system.processes",
        "SELECT * FROM `system`.`query_log`",
        "SELECT 1 IN system.processes",
        "SELECT 1 IN (system.processes)",
        "SELECT * FROM t AS x JOIN system.disks AS y ON 1",
        "SELECT * APPLY(file) FROM t",
        "SELECT COLUMNS('a') APPLY(file) FROM t",
        "SHOW PROCESSLIST",
        "SHOW GRANTS",
        "SHOW CREATE TABLE system.processes",
        "USE system",
        "USE INFORMATION_SCHEMA",
        "SET ROLE owner",
        "SET ROLE ALL",
        "SET readonly = 0",
        "SET allow_ddl = 1",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT 1 SETTINGS max_execution_time = 100000",
        "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)",
        "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0) SETTINGS max_threads = 1",
        "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0) WHERE 1 != ' SETTINGS max_threads = 1'",
        "SYSTEM SHUTDOWN",
        "KILL QUERY WHERE 1",
        "EXECUTE AS default SELECT 1",
        "EXPLAIN TABLE OVERRIDE mysql('a', 'b', 'c', 'd', 'e') COLUMNS (x Int8)",
        "CHECK TABLE t",
        "OPTIMIZE TABLE t",
        "TRUNCATE TABLE t",
        "CREATE VIEW w AS SELECT 1",
        "CREATE FUNCTION f AS x -> file(x)",
        "INSERT INTO t SELECT 1",
        "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT TSV",
        "SELECT sleep(1)",
        "SELECT joinGet('t', 'a', 1)",
        "SELECT dictGet('t', 'a', 1)",
        "SELECT hostName()",
        "SELECT getServerSetting('path')",
        "SELECT addressToLine(toUInt64(1))",
    ],
)
def test_nothing_else_is_done(reader: Client, sql: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert code(reader, sql.format(made=made)) in REFUSED | {36, 115, 344, 452}
    assert not made.exists()
    assert reader.execute("SELECT count() FROM t") == [(3,)]


@pytest.mark.loopback
def test_another_database_is_closed(connect: Callable[..., Client], reader: Client) -> None:
    owner = connect()
    owner.execute("CREATE DATABASE closed")
    owner.execute("CREATE TABLE closed.t (a Int8) ENGINE = MergeTree ORDER BY a")
    try:
        for sql in ("SELECT * FROM closed.t", "DESCRIBE TABLE closed.t", "SELECT 1 IN closed.t"):
            assert code(reader, sql) == 497, sql
        assert ("closed",) not in reader.execute("SHOW DATABASES")
        assert code(connect(user="reader", database="closed"), "SELECT * FROM t") == 497
    finally:
        owner.execute("DROP DATABASE closed")


@pytest.mark.loopback
def test_limits_are_lowered_and_never_raised(reader: Client) -> None:
    def limit(**settings: object) -> object:
        return reader.execute("SELECT getSetting('max_execution_time')", settings=settings)[0][0]

    assert limit() == 60
    assert limit(max_execution_time=65) == 60
    assert limit(max_execution_time=0) == 60
    assert limit(max_execution_time=6) == 6
    reader.execute("SET max_execution_time = 7, max_memory_usage = 0")
    assert limit() == 7
    assert reader.execute("SELECT getSetting('max_memory_usage')") == [(LIMITS["max_memory_usage"],)]
    # A lowered limit is reached sooner than the one above, by the same accounting.
    lowered = {"max_memory_usage": 100 << 20}
    assert code(reader, "SELECT groupArray(number) FROM numbers(1000000000)", settings=lowered) == 241
    assert code(reader, "SELECT count() FROM numbers(3000000000)") == 158
    assert code(reader, "SELECT * FROM numbers(1000001)") == 396
    assert code(reader, "SELECT arrayJoin(range(1000001))") == 396
    assert len(reader.execute("SELECT arrayJoin(range(1000000))")) == 1_000_000
    assert code(reader, "SELECT 1", settings={"readonly": 0}) == 164
    assert code(reader, "SELECT 1", settings={"allow_experimental_analyzer": 0}) == 164


@pytest.mark.loopback
def test_a_table_that_comes_with_a_query_is_gone_with_it(reader: Client) -> None:
    table = {"name": "x", "structure": [("a", "Int32")], "data": [{"a": 7}]}
    assert reader.execute("SELECT a FROM x", external_tables=[table]) == [(7,)]
    assert code(reader, "SELECT a FROM x") == 60
    hostile = {"name": "x", "structure": [("a", "String DEFAULT file('/etc/hostname')")], "data": [{"a": "7"}]}
    with pytest.raises(Error):
        reader.execute("SELECT a FROM x", external_tables=[hostile])


@pytest.mark.loopback
def test_readers_leave_room_for_those_who_count(connect: Callable[..., Client]) -> None:
    readers = [connect(user="reader") for _ in range(110)]
    turned_away = 0
    for client in readers:
        try:
            client.execute("SELECT 1")
        except (ServerException, NetworkError, EOFError):
            turned_away += 1
    assert turned_away == 10
    assert connect().execute("SELECT 1") == [(1,)]


@pytest.mark.clickhouse
def test_the_engine_refuses_what_it_may_though_nothing_else_does(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from clickhouse_driver import Client
from deploy.embedded.clickhouse import reader_rules
from deploy.embedded.clickhouse.server import Server

reader_rules.refuse_tree = lambda tree, known: 0
with Server(Path(sys.argv[1]) / "da&ta ?".rstrip(" ?"), readable=["seen"]) as server:
    owner = Client("127.0.0.1", port=server.port)
    for name in ("seen", "unseen"):
        owner.execute(f"CREATE DATABASE {name}")
        owner.execute(f"CREATE TABLE {name}.t (a Int8) ENGINE = MergeTree ORDER BY a")
        for table in ("agencies", "official_names"):
            owner.execute(f"CREATE TABLE {name}.{table} (a String, b String) ENGINE = MergeTree ORDER BY a")
            owner.execute(f"INSERT INTO {name}.{table} SELECT 'a', 'b'")
            owner.execute(
                f"CREATE DICTIONARY {name}.of_{table} (a String, b String) PRIMARY KEY a LAYOUT(COMPLEX_KEY_HASHED()) "
                f"SOURCE(CLICKHOUSE(USER 'dossier_dictionaries' QUERY 'SELECT * FROM {name}.{table}')) LIFETIME(0)"
            )
    reader = Client("127.0.0.1", port=server.port, user="reader")
    print(reader.execute("SELECT count() FROM seen.t"), reader.execute("SELECT dictGet('seen.of_agencies', 'b', 'a')"))
    for sql in (
        "SELECT * FROM file('/etc/hostname', LineAsString)", "SELECT * FROM url('http://127.0.0.1:1', LineAsString)",
        "SELECT * FROM remote('127.0.0.1', seen.t)", "SELECT * FROM unseen.t", "SELECT * FROM system.users",
        "SELECT 1 SETTINGS readonly = 0", "SELECT * FROM executable('id', TSV, 'a String')",
        "SELECT * FROM seen.official_names", "SELECT dictGet('seen.of_official_names', 'b', 'a')",
        "SELECT dictGet('unseen.of_agencies', 'b', 'a')", "SELECT * FROM unseen.of_agencies",
        "SELECT * FROM sqlite('x', 't')", "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    ):
        try:
            reader.execute(sql)
            print(sql)
        except Exception as error:
            if error.code not in (164, 497):
                print(sql, error)
    reader.disconnect()
    owner.disconnect()
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[(0,)] [('b',)]\n")


@pytest.mark.clickhouse
def test_no_function_that_is_allowed_gives_what_a_file_holds(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
import chdb
from deploy.embedded.clickhouse.reader_rules import FUNCTIONS, TABLE_FUNCTIONS, is_harmless

held, folder = Path(sys.argv[1]), Path(sys.argv[1]).parent
engine = chdb.connect(str(folder / "engine"))
def text(sql):
    return engine.query(sql, "TSVRaw").bytes().decode()
# Most calls fail by design; a stack trace of each would take a third of the time.
text("SET calculate_text_stack_trace = 0, max_threads = 1")
known = text("SELECT name FROM system.functions").split()
print(sorted(FUNCTIONS - {name.lower() for name in known} - {"lambda"}))
before = sorted(folder.iterdir())
calls = [f"SELECT {name}({a})" for name in known if is_harmless(name.lower()) and not name.startswith("_")
         for a in (f"'{held}'", f"'{held}', 'TSV'")]
calls += [f"SELECT * FROM {name}('{held}')" for name in TABLE_FUNCTIONS - {"view", "viewexplain"}]
answered = 0
for sql in calls:
    try:
        answer = text(sql)
    except Exception:
        continue
    answered += 1
    if "kept-to-itself" in answer:
        print(sql)
print(answered > 300, sorted(folder.iterdir()) == before)
print("kept-to-itself" in text(f"SELECT file('{held}')"))
"""
    (tmp_path / "held").write_text("kept-to-itself")
    command = [sys.executable, "-c", script, str(tmp_path / "held")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\nTrue True\nTrue\n"), done.stderr


def test_an_unknown_function_or_part_is_refused() -> None:
    for line in (
        "Function inventedByALaterVersion (children 1)",
        "Function file (children 1)",
        "Function fileIf (children 1)",
        "PartOfALaterVersion (children 1)",
        "ColumnsApplyTransformer",
        "TableIdentifier system.processes",
        "Identifier SYSTEM.processes",
        "TableIdentifier information_schema.invented",
        " TableIdentifier dossiers.t (alias x\nFunction file)",
    ):
        with pytest.raises(ServerError):
            refuse_tree(f"SelectQuery (children 1)\n {line}\n", {"file"})
    harmless = "SelectQuery (children 1)\n Function sumIf (alias file) (children 1)\n  Literal 'file'\n"
    assert refuse_tree(harmless, {"file"}) == 0
    assert refuse_tree("SelectQuery (children 1)\n Set\n", set())


def test_a_query_may_call_the_lambdas_that_it_makes_and_no_function_under_their_name() -> None:
    def tree(name: str) -> str:
        return (
            f"SelectQuery (children 2)\n Function lambda (alias {name}) (children 1)\n Function {name} (children 1)\n"
        )

    assert refuse_tree(tree("arrow"), {"file"}) == 0
    for name in ("file", "FILE", "fileIf"):
        with pytest.raises(ServerError):
            refuse_tree(tree(name), {"file"})


def test_names_of_functions_are_small_and_none_reaches_out() -> None:
    assert all(name == name.lower() for name in FUNCTIONS)
    assert not FUNCTIONS & {"file", "joinget", "sleep", "hostname", "getserversetting", "aigenerate", "eval"}
    assert is_harmless("quantilesexactweightedifmerge")
    assert not is_harmless("fileif")
    assert not is_harmless("if" * 3 + "x")


def test_settings_are_granted_within_limits() -> None:
    assert granted({"max_execution_time": "65.5", "max_threads": "2"}, {}) == {
        "max_execution_time": "60",
        "max_threads": "2",
    }
    assert granted({"join_use_nulls": "1", "readonly": "1"}, {"readonly": "1"}) == {"join_use_nulls": "1"}
    for wrong in (
        {"readonly": "2"},
        {"max_threads": "'auto(4)'"},
        {"max_memory_usage": "-1"},
        {"max_memory_usage": "nan"},
    ):
        with pytest.raises(ServerError):
            granted(wrong, {"readonly": "1"})


@pytest.mark.parametrize("name", ["system", "INFORMATION_SCHEMA", "information_schema"])
def test_the_databases_of_the_system_are_no_home(name: str) -> None:
    with pytest.raises(ServerError):
        refuse_database(name)
