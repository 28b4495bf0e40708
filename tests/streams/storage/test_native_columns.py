"""Encoding whole columns is worth nothing unless the server stores what the driver's encoding would have stored."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.bufferedwriter import CompressedBufferedWriter
from clickhouse_driver.columns.service import write_column
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.connection import ClickHouseConnection
from schemas.tables import TABLES
from streams.storage.native_client import NativeClient
from streams.storage.native_columns import UNUSUAL, encode
from tests.thorough import sized

TYPES = sorted({spec for table in TABLES for spec in table.columns.values()})
LEFT = {spec for spec in TYPES if re.search(r"Date\b|Date32|Array\((String|LowCardinality|Tuple)", spec)}
"""Only reference data and roll-ups have these: the driver encodes them."""
ENCODED = sorted({*TYPES} - LEFT)
CONTEXT = SimpleNamespace(
    settings={}, client_settings={"use_numpy": False, "strings_as_bytes": False, "strings_encoding": "utf-8"}
)
WIDTHS = {"UInt8": 8, "UInt16": 16, "UInt32": 32, "UInt64": 64, "DateTime": 32}
STRANGE = st.sampled_from(
    [None, -1, 2**64, 2**63, 1.5, True, "", "today", b"\xff", [], [1], [None], (2,), datetime(2026, 3, 1, tzinfo=UTC)]
)


def numbers(least: int, most: int) -> st.SearchStrategy[int]:
    return st.sampled_from([least, most, 0, 1]) | st.integers(least, most)


def values(spec: str) -> st.SearchStrategy[Any]:
    """Values that a column of this type takes, its bounds among them."""
    name, _, inner = spec.partition("(")
    if name in ("Nullable", "Array"):
        within = values(inner[:-1])
        return st.none() | within if name == "Nullable" else st.lists(within, max_size=4)
    if name in ("String", "LowCardinality"):
        texts = st.sampled_from(["", "a", "b", "\0", "Đ", "😀" * 100, "x" * 127, "x" * 128, "y" * 20_000]) | st.text()
        return texts | st.binary() if name == "String" else texts
    if name == "Bool":
        return st.booleans()
    if name == "Float64":
        return st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)
    if name == "DateTime64":
        return numbers(-(10**15), 4 * 10**15 if "(6" in spec else 4 * 10**12)
    return numbers(0, 2 ** WIDTHS[name] - 1) if name in WIDTHS else numbers(-(2**63), 2**63 - 1)


def bytes_of_driver(spec: str, column: Sequence[Any]) -> bytes:
    sent = BytesIO()
    writer = CompressedBufferedWriter(sent, 1 << 16)
    write_column(CONTEXT, "column", spec, list(column), writer)
    writer.flush()
    return sent.getvalue()


def bytes_of_ours(spec: str, column: Sequence[Any]) -> bytes:
    sent = BytesIO()
    writer = CompressedBufferedWriter(sent, 1 << 16)
    for part in encode(spec, column):
        if isinstance(part, bytes):
            writer.write(part)
        else:
            writer.write_strings(part, encoding="utf-8")
    writer.flush()
    return sent.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("spec", ENCODED)
@settings(max_examples=sized(10, 150))
@given(data=st.data())
def test_every_type_of_the_tables_is_encoded_byte_for_byte_as_the_driver_does(spec: str, data: st.DataObject) -> None:
    column = data.draw(st.lists(values(spec), min_size=1, max_size=12))
    assert bytes_of_ours(spec, column) == bytes_of_driver(spec, column)


@pytest.mark.slow
@pytest.mark.parametrize("distinct", [1, 2, 255, 256, 257, 65_535, 65_536, 65_537])
def test_a_dictionary_of_any_size_is_encoded_as_the_driver_does(distinct: int) -> None:
    column = [f"agency {number}" for number in (*range(distinct), *range(0, distinct, 3))]
    assert bytes_of_ours("LowCardinality(String)", column) == bytes_of_driver("LowCardinality(String)", column)


@pytest.mark.slow
@pytest.mark.parametrize("spec", TYPES)
@settings(max_examples=sized(20, 300))
@given(data=st.data())
def test_whatever_the_driver_would_refuse_or_convert_is_left_to_it(spec: str, data: st.DataObject) -> None:
    column = data.draw(st.lists(values(spec) | STRANGE, min_size=1, max_size=4))
    try:
        ours = bytes_of_ours(spec, column)
    except (*UNUSUAL, AttributeError):  # the last is what the driver itself raises for a text that is none
        return
    assert ours == bytes_of_driver(spec, column)


def test_other_types_are_left_to_the_driver() -> None:
    for spec in ("UUID", "FixedString(3)", "Decimal(9, 2)", "Nullable(String)", "Map(String, UInt8)", *LEFT):
        with pytest.raises(UNUSUAL):
            encode(spec, ["abc"])


@contextmanager
def client_of(kind: type[Client], clickhouse: ClickHouseConnection, **options: object) -> Iterator[Client]:
    """A client of this class; the table `probe` is dropped afterwards."""
    account = {"user": clickhouse.user, "password": clickhouse.password.reveal(), "database": clickhouse.database}
    client = kind(clickhouse.host, clickhouse.port, **account, **options)
    try:
        yield client
        client.execute("DROP TABLE IF EXISTS probe SYNC")
    finally:
        client.disconnect()


@pytest.mark.clickhouse
class TestServer:
    @settings(max_examples=sized(12, 60), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(rows=st.lists(st.tuples(*map(values, ENCODED)), min_size=1, max_size=8))
    def test_the_server_stores_what_it_stores_of_the_driver(
        self, clickhouse: ClickHouseConnection, rows: list[tuple[Any, ...]]
    ) -> None:
        structure = ", ".join(f"c{number} {spec}" for number, spec in enumerate(ENCODED))
        shown = ", ".join(f"hex(toString(c{number}))" for number in range(len(ENCODED)))
        found = []
        for kind in (Client, NativeClient):
            with client_of(kind, clickhouse) as client:
                client.execute(f"CREATE TABLE probe ({structure}) ENGINE = Memory")
                client.execute("INSERT INTO probe VALUES", list(map(list, zip(*rows, strict=True))), columnar=True)
                found.append(client.execute(f"SELECT {shown} FROM probe"))
        assert found[0] == found[1]
        assert len(found[0]) == len(rows)

    def test_a_compressed_connection_stores_the_same(self, clickhouse: ClickHouseConnection) -> None:
        texts, labels = [f"text {number}" * 50 for number in range(9000)], [f"{number % 300}" for number in range(9000)]
        columns = [texts, list(range(9000)), labels]
        with client_of(NativeClient, clickhouse, compression="lz4") as client:
            client.execute(
                "CREATE TABLE probe (text String, number UInt64, label LowCardinality(String)) ENGINE = Memory"
            )
            assert client.execute("INSERT INTO probe VALUES", columns, columnar=True) == 9000
            assert list(map(list, client.execute("SELECT * FROM probe", columnar=True))) == columns

    def test_columns_of_different_lengths_are_refused_as_the_driver_refuses_them(
        self, clickhouse: ClickHouseConnection
    ) -> None:
        with client_of(NativeClient, clickhouse) as client:
            client.execute("CREATE TABLE probe (a UInt8, b UInt8) ENGINE = Memory")
            for columns in ([[1, 2], [3]], [[1]], [[1], [2], [3]]):
                with pytest.raises(ValueError, match="Expected"):
                    client.execute("INSERT INTO probe VALUES", columns, columnar=True)
            client.execute("INSERT INTO probe VALUES", [[1], [2]], columnar=True)
            assert client.execute("SELECT * FROM probe") == [(1, 2)]
