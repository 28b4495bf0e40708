"""Finding the end of a block without decoding it."""

import struct

import pytest

from deploy.embedded.clickhouse.errors import ProtocolError, ServerError
from deploy.embedded.clickhouse.native_blocks import (
    Columns,
    header,
    inside,
    layout,
    own_columns,
    parse,
    retyped,
    split,
    walk_columns,
)
from deploy.embedded.clickhouse.wire_format import Reader, text, varint

ROWS = 2
OFFSETS = struct.pack("<QQ", 1, 3)
"""Of arrays with one and with two elements."""
DICTIONARY = struct.pack("<QQ", 0x600, 2) + text("") + text("a") + struct.pack("<Q", ROWS) + b"\0\1"
VERSION = struct.pack("<Q", 1)
VALUES = {
    "String": text("") + text("x" * 300),
    "FixedString(3)": b"abcdef",
    "UInt8": b"ab",
    "UInt128": b"a" * 32,
    "Decimal(9, 2)": b"a" * 8,
    "Decimal(18, 2)": b"a" * 16,
    "DateTime('Asia/Ho_Chi_Minh')": b"a" * 8,
    "DateTime64(3, 'UTC')": b"a" * 16,
    "Enum8('a, (b' = 1, 'it\\'s' = 2)": b"ab",
    "IntervalDay": b"a" * 16,
    "Nullable(UInt32)": b"\0\1" + b"a" * 8,
    "Array(UInt16)": OFFSETS + b"a" * 6,
    "Array(Array(String))": OFFSETS + struct.pack("<QQQ", 0, 1, 1) + text("x"),
    "Map(String, UInt8)": OFFSETS + text("a") * 3 + b"abc",
    "Tuple(a UInt8, `b, c` String)": b"ab" + text("x") * 2,
    "Tuple(Nullable(UInt8), Enum8('x y' = 1))": b"\0\1ab" + b"cd",
    "Nested(a UInt8, b String)": OFFSETS + b"abc" + text("x") * 3,
    "SimpleAggregateFunction(sum, UInt64)": b"a" * 16,
    "LowCardinality(String)": VERSION + DICTIONARY,
    "LowCardinality(Nullable(String))": VERSION + DICTIONARY,
    "Tuple(LowCardinality(String), Array(LowCardinality(String)))": VERSION * 2
    + DICTIONARY
    + struct.pack("<QQ", 0, 2)
    + DICTIONARY,
}


def block(columns: dict[str, bytes]) -> bytes:
    body = b"".join(text(f"column {kind}") + text(kind) + value for kind, value in columns.items())
    return varint(len(columns)) + varint(ROWS) + body


def walk_block(reader: Reader) -> Columns:
    return walk_columns(reader, reader.varint(), reader.varint())


@pytest.mark.parametrize("kind", list(VALUES))
def test_a_block_of_each_type_ends_where_it_ends(kind: str) -> None:
    whole = block({kind: VALUES[kind]})
    reader = inside(whole + b"next packet")
    assert walk_block(reader) == [(f"column {kind}", kind)]
    assert reader.waiting == b"next packet"
    with pytest.raises(EOFError):
        walk_block(inside(whole[:-1]))


def test_blocks_behind_each_other_are_split() -> None:
    whole = block(VALUES)
    columns = [(f"column {kind}", kind) for kind in VALUES]
    assert list(split(whole * 3)) == [(columns, whole)] * 3
    assert list(split(b"")) == []


def test_a_block_without_rows_has_no_values() -> None:
    columns = [(f"column {kind}", kind) for kind in VALUES]
    reader = inside(header(columns))
    assert walk_block(reader) == columns
    assert reader.waiting == b""


def test_zones_are_put_back_and_nothing_else_changes() -> None:
    zoned = "DateTime('Asia/Ho_Chi_Minh')"
    kinds = [*VALUES, zoned, "UInt8"]
    named = [(str(index), kind) for index, kind in enumerate(kinds)]

    def written(zone: bool) -> bytes:
        parts = [varint(len(kinds)) + varint(ROWS)]
        for name, kind in named:
            parts += [text(name), text(kind if zone or not kind.startswith("DateTime(") else "DateTime"), VALUES[kind]]
        return b"".join(parts)

    assert retyped(written(zone=False), named) == written(zone=True)


def test_a_block_names_its_columns_itself_unless_a_zone_may_be_missing() -> None:
    columns = {kind: value for kind, value in VALUES.items() if not kind.startswith("DateTime(")}
    assert own_columns(block(columns)) == [(f"column {kind}", kind) for kind in columns]
    assert own_columns(block({**columns, "DateTime": b"a" * 8})) is None


@pytest.mark.parametrize("kind", ["JSON", "AggregateFunction(sum, UInt8)", "\x12\x03UTC", "\x20"])
def test_a_block_that_cannot_be_walked_over_names_no_columns(kind: str) -> None:
    assert own_columns(block({kind: b"\0" * 100})) is None
    assert own_columns(block({kind: b""})) is None


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "UInt8) ENGINE = File(CSV",
        "UInt8, b UInt8",
        "UInt8 DEFAULT sleep(1)",
        "Array(UInt8",
        "Array(UInt8))",
        "Array(UInt8) x",
        "Enum8('a = 1)",
        "Tuple(`a UInt8)",
        "Array",
        "FixedString(x)",
        "Decimal(90, 1)",
        "Map(String)",
        "JSON",
        "AggregateFunction(sum, UInt8)",
        "Tuple(UInt8, Dynamic)",
        "Array(" * 30 + "UInt8" + ")" * 30,
        "Tuple",
        "Array(Tuple)",
        "FixedString(0)",
        "FixedString(-1)",
        "Enum8('a' = 1 /*' )*/)) ENGINE = Memory AS SELECT 1 --')",
        "Enum8('a' = 1 --' \n)) ENGINE = Memory AS SELECT 1 --')",
        "Enum8(\"it's\" = 1)) ENGINE = Memory --' = 2)",
        "Enum8($$'$$ = 1)) ENGINE = Memory --')",
        "Tuple(" + "a" * 1_000_000 + ")",
    ],
)
def test_what_is_no_type_or_has_no_length_is_refused(spec: str) -> None:
    with pytest.raises(ServerError):
        layout(spec)


def test_arguments_of_a_type_are_told_apart() -> None:
    assert parse("Map(String, Enum8('a, (b' = 1))") == ("Map", ["String", "Enum8('a, (b' = 1)"])


def test_too_many_columns_and_unknown_index_widths_are_refused() -> None:
    with pytest.raises(ProtocolError, match="a block of 99999 columns"):
        walk_block(inside(varint(99999) + varint(1)))
    with pytest.raises(ProtocolError, match="no known width"):
        walk_block(inside(block({"LowCardinality(String)": VERSION + struct.pack("<Q", 0x6FF) + b"\0" * 50})))
