"""The server sends the types that the engine's DESCRIBE has, also where it does not ask for them."""

import random
from collections.abc import Mapping
from itertools import chain

import pytest
from clickhouse_driver import Client

from deploy.embedded.clickhouse.self_described import SHAPES_LIMIT, SIZE_LIMIT, SelfDescribed
from tests.deploy.test_clickhouse_types import KINDS

PLAIN = [("a", "UInt8"), ("b", "Nullable(DateTime('UTC'))")]
OTHERS = "SELECT sumIf(value, event = 'Query') - sumIf(value, event = 'SelectQuery') FROM system.events"
"""How many statements other than SELECT the engine has run; a DESCRIBE is one."""


class TestShapes:
    def test_a_shape_is_expected_after_a_small_answer_whose_blocks_name_all_types(self) -> None:
        described = SelfDescribed()
        assert not described.expects("a")
        described.learn("a", PLAIN, SIZE_LIMIT)
        assert described.expects("a")
        assert not described.expects("b")

    @pytest.mark.parametrize(
        ("column", "size"), [("UInt8", SIZE_LIMIT + 1), ("DateTime", 1), ("DateTime('UTC')", 1), ("JSON", 1)]
    )
    def test_another_answer_ends_that(self, column: str, size: int) -> None:
        described = SelfDescribed()
        described.learn("a", PLAIN, 1)
        described.learn("a", [*PLAIN, ("c", column)], size)
        assert not described.expects("a")

    def test_a_large_answer_is_walked_over_where_its_describe_takes_longer(self) -> None:
        described = SelfDescribed()
        described.learn("a", PLAIN, 2_000_000, 0.11)
        assert described.expects("a")
        described.learn("a", PLAIN, 2_100_000)
        assert described.expects("a")
        described.learn("a", PLAIN, 3_000_000)
        assert not described.expects("a")
        described.learn("a", PLAIN, 2_000_000, 0.09)
        assert not described.expects("a")

    def test_there_is_a_limit(self) -> None:
        described = SelfDescribed()
        shapes = [str(number) for number in range(SHAPES_LIMIT + 1)]
        for each in shapes:
            described.learn(each, PLAIN, 1)
        assert [each for each in shapes if described.expects(each)] == shapes[-1:]


def types(client: Client, sql: str) -> list[tuple[str, str]]:
    columns: list[tuple[str, str]] = client.execute(sql, with_column_types=True)[1]
    return columns


def described(client: Client, sql: str, settings: Mapping[str, object] | None = None) -> list[tuple[str, str]]:
    columns = client.execute(f"DESCRIBE TABLE ({sql})", settings={**(settings or {}), "print_pretty_type_names": 0})
    return [(name, spec) for name, spec, *_ in columns]


def others(client: Client, sql: str) -> int:
    """How many statements beside it the server runs for this query."""
    client.execute(OTHERS)
    ((before,),) = client.execute(OTHERS)
    client.execute(sql)
    ((after,),) = client.execute(OTHERS)
    return int(after - before)


@pytest.mark.clickhouse
@pytest.mark.parametrize("client", [False], ids=["plain"], indirect=True)
class TestServer:
    def test_a_query_is_described_once_whatever_its_literals(self, client: Client) -> None:
        once = "once" + "".join(random.choices("abcdefgh", k=20))
        assert others(client, f"SELECT 1 AS {once}") == 1
        assert others(client, f"SELECT 2 AS {once}") == 0
        assert types(client, f"SELECT 300 AS {once}") == [(once, "UInt16")]

    @pytest.mark.parametrize("sql", ["SELECT now() AS at", "SELECT 1 AS never WHERE 0"])
    def test_zones_and_empty_answers_are_described_each_time(self, client: Client, sql: str) -> None:
        client.execute(sql)
        assert others(client, sql) == 1

    def test_one_shape_has_the_types_of_each_query(self, client: Client) -> None:
        kinds = [f"Nullable({kind})" for kind in ("UInt8", "Int64", "Float64", "String", "DateTime('UTC')", "Date")]
        asked = [*KINDS, *kinds, "DateTime", "DateTime('Europe/Amsterdam')"]
        random.Random(1).shuffle(asked)
        for kind in asked:
            column = (
                f"defaultValueOfTypeName('{kind.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}')"
            )
            for rows in (1, 0):
                sql = f"SELECT {column} AS value, 'x' AS x, (1, NULL) AS pair FROM numbers({rows})"
                assert types(client, sql) == described(client, sql)

    def test_one_text_has_the_types_of_its_tables_by_now(self, client: Client) -> None:
        for kind in chain(KINDS, reversed(KINDS)):
            client.execute(f"CREATE OR REPLACE TABLE changing (value {kind}) ENGINE = Memory")
            for rows in range(2):
                assert types(client, "SELECT * FROM changing") == [("value", kind)]
                if not rows:
                    client.execute("INSERT INTO changing SELECT * FROM generateRandom() LIMIT 1")

    @pytest.mark.parametrize("way", ["rows", "a statement"])
    def test_a_type_may_depend_on_rows(self, client: Client, way: str) -> None:
        client.execute("CREATE TABLE chosen (at UInt8, kind String, zone String) ENGINE = Memory")
        kind, zone = (f"assumeNotNull((SELECT argMax({column}, at) FROM chosen))" for column in ("kind", "zone"))
        sql = f"SELECT CAST(1, {kind}) AS a, toTimeZone(now(), {zone}) AS b"
        for at, row in enumerate((("UInt8", "UTC"), ("String", "Asia/Ho_Chi_Minh"), ("UInt8", "Europe/Amsterdam"))):
            if way == "rows":
                client.execute("INSERT INTO chosen VALUES", [(at, *row)])
            else:
                client.execute(f"INSERT INTO chosen SELECT {at}, '{row[0]}', '{row[1]}'")
            assert types(client, sql) == [("a", row[0]), ("b", f"DateTime('{row[1]}')")]
            assert types(client, f"SELECT a FROM ({sql})") == [("a", row[0])]

    def test_settings_may_change_types(self, client: Client) -> None:
        sql = "SELECT now() AS a, toNullable(now()) AS b, toDateTime64(0, 3) AS c, max(x) AS d FROM chosen"
        client.execute("CREATE TABLE chosen (x UInt8) ENGINE = Memory")
        for settings in ({"session_timezone": "Europe/Amsterdam"}, {"aggregate_functions_null_for_empty": 1}, {}) * 2:
            for part in ("a", "b", "c", "d"):
                only = f"SELECT {part} FROM ({sql})"
                rows, columns = client.execute(only, settings=settings, with_column_types=True)
                assert columns == described(client, only, settings)
                assert len(rows) == 1

    def test_a_large_answer_of_a_shape_that_had_no_zones_gets_its_zone(self, client: Client) -> None:
        sql = "SELECT CAST(number, '{}') AS value FROM numbers({})"
        types(client, sql.format("UInt64", 10))
        rows, columns = client.execute(sql.format("DateTime(\\'UTC\\')", 200_000), with_column_types=True)
        assert (len(rows), rows[-1][0].timestamp(), columns) == (200_000, 199_999, [("value", "DateTime('UTC')")])
        assert types(client, sql.format("String", 5)) == [("value", "String")]

    def test_a_failure_leaves_the_types_of_the_next_query_alone(self, client: Client) -> None:
        sql = "SELECT throwIf(number = {}) AS value FROM numbers(300000)"
        assert len(client.execute(sql.format(300_000))) == 300_000
        for _ in range(2):
            with pytest.raises(Exception, match="Value passed to 'throwIf'"):
                client.execute(sql.format(200_000))
            assert types(client, "SELECT 'a' AS value") == [("value", "String")]

    def test_types_that_the_server_cannot_walk_over_are_sent_as_before(self, client: Client) -> None:
        sql = "SELECT CAST('{}', '{}') AS value"
        assert types(client, sql.format("x", "String")) == [("value", "String")]
        for _ in range(2):
            assert types(client, sql.format("{}", "JSON")) == [("value", "JSON")]
            assert types(client, sql.format("x", "String")) == [("value", "String")]
