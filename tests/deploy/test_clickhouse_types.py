"""Every type the project stores travels to the server and back unharmed."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clickhouse_driver import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.thorough import sized

pytestmark = pytest.mark.clickhouse

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
LOW, HIGH = dt.datetime(1971, 1, 1), dt.datetime(2099, 12, 31)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)


def instants(zone: dt.tzinfo, step: int) -> st.SearchStrategy[dt.datetime]:
    """Instants of whole steps of so many microseconds, as the driver returns them."""
    return st.datetimes(LOW, HIGH, timezones=st.just(dt.UTC)).map(
        lambda at: at.replace(microsecond=at.microsecond // step * step).astimezone(zone)
    )


TYPES: dict[str, st.SearchStrategy[Any]] = {
    "String": TEXTS,
    "FixedString(4)": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=4),
    "LowCardinality(String)": st.sampled_from(["", "north", "Đà Nẵng", "x" * 300]),
    "LowCardinality(Nullable(String))": st.none() | st.sampled_from(["", "north", "Đà Nẵng"]),
    "Nullable(String)": st.none() | TEXTS,
    "Nullable(UInt32)": st.none() | st.integers(0, 2**32 - 1),
    "UInt8": st.integers(0, 2**8 - 1),
    "UInt16": st.integers(0, 2**16 - 1),
    "UInt32": st.integers(0, 2**32 - 1),
    "UInt64": st.integers(0, 2**64 - 1),
    "UInt128": st.integers(0, 2**128 - 1),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "Float64": st.floats(allow_nan=False),
    "Bool": st.booleans(),
    "Date": st.dates(dt.date(1970, 1, 1), dt.date(2149, 6, 6)),
    "DateTime('Asia/Ho_Chi_Minh')": instants(SAIGON, 1_000_000),
    "DateTime64(3, 'UTC')": instants(dt.UTC, 1_000),
    "DateTime64(6, 'Asia/Ho_Chi_Minh')": instants(SAIGON, 1),
    "Nullable(DateTime('UTC'))": st.none() | instants(dt.UTC, 1_000_000),
    "Array(LowCardinality(String))": st.lists(st.sampled_from(["a", "b", ""]), max_size=4),
    "Array(Array(UInt8))": st.lists(st.lists(st.integers(0, 255), max_size=3), max_size=3),
    "Map(String, UInt64)": st.dictionaries(TEXTS, st.integers(0, 2**64 - 1), max_size=3),
    "Map(LowCardinality(String), Array(String))": st.dictionaries(st.sampled_from("abc"), st.lists(TEXTS, max_size=2)),
    "Tuple(UInt8, String)": st.tuples(st.integers(0, 255), TEXTS),
    "Tuple(id UInt8, `the text` Nullable(String))": st.tuples(st.integers(0, 255), st.none() | TEXTS),
    "Enum8('a' = 1, 'it\\'s, (b)' = 2)": st.sampled_from(["a", "it's, (b)"]),
    "UUID": st.uuids(),
    "Decimal(18, 2)": st.integers(-(10**17), 10**17).map(lambda cents: Decimal(cents).scaleb(-2)),
    "SimpleAggregateFunction(sum, UInt64)": st.integers(0, 2**64 - 1),
}
KINDS = list(TYPES)


@settings(max_examples=sized(4, 16), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*TYPES.values()), min_size=1, max_size=12))
def test_rows_of_every_type_come_back_as_they_were(client: Client, rows: list[tuple[Any, ...]]) -> None:
    columns = ", ".join(f"c{index} {kind}" for index, kind in enumerate(KINDS))
    client.execute(f"CREATE OR REPLACE TABLE every (row UInt32, {columns}) ENGINE = MergeTree ORDER BY row")
    client.execute("INSERT INTO every VALUES", [(number, *row) for number, row in enumerate(rows)])
    found, header = client.execute("SELECT * EXCEPT row FROM every ORDER BY row", with_column_types=True)
    assert found == rows
    assert [kind for _, kind in header] == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_result_names_its_type(client: Client, kind: str) -> None:
    client.execute(f"CREATE TABLE one (value {kind}) ENGINE = Memory")
    assert client.execute("SELECT value, 1 AS more FROM one", with_column_types=True) == (
        [],
        [("value", kind), ("more", "UInt8")],
    )


def test_bytes_that_are_no_text_come_back_as_they_were(client: Client) -> None:
    client.execute("CREATE TABLE raw (value String) ENGINE = Memory")
    rows = [(bytes(range(256)) * 300,), (b"",), (b"\xff\x00\x80",)]
    client.execute("INSERT INTO raw VALUES", rows)
    assert client.execute("SELECT value FROM raw", settings={"strings_as_bytes": True}) == rows


def test_zones_are_told_wherever_the_column_stands(client: Client) -> None:
    at = dt.datetime(2026, 7, 1, 12, 30, tzinfo=SAIGON)
    query = "SELECT 'a', [1, 2], toDateTime(%(at)s, 'Asia/Ho_Chi_Minh') AS x, 'b', toDateTime(%(at)s, 'UTC') AS y, 7"
    rows, header = client.execute(query, {"at": int(at.timestamp())}, with_column_types=True)
    assert rows == [("a", [1, 2], at, "b", at.astimezone(dt.UTC), 7)]
    assert [kind for _, kind in header][2::2] == ["DateTime('Asia/Ho_Chi_Minh')", "DateTime('UTC')"]


def test_types_without_a_length_are_refused_by_name_and_the_connection_lives(client: Client) -> None:
    client.execute("CREATE TABLE loose (value JSON) ENGINE = Memory")
    with pytest.raises(Exception, match="columns of type JSON are not supported") as caught:
        client.execute("INSERT INTO loose VALUES", [({"a": 1},)])
    assert getattr(caught.value, "code", None) == 48
    assert client.execute("SELECT %(id)s", {"id": uuid.UUID(int=5)}) == [(str(uuid.UUID(int=5)),)]
