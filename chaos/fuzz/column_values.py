"""Columns of every type with values as they should be, and types that no column has."""

import struct
from random import Random
from typing import TypeAlias

from deploy.embedded.clickhouse.native_blocks import WIDTHS, parse
from deploy.embedded.clickhouse.wire_format import varint

Fields: TypeAlias = list[bytes]
"""Bytes, cut where a length or a code begins or ends."""

TYPES = (
    "UInt8",
    "Int64",
    "String",
    "FixedString(3)",
    "Bool",
    "DateTime64(6, 'UTC')",
    "DateTime('UTC')",
    "Date32",
    "UUID",
    "Decimal(18, 4)",
    "Enum8('a' = 1, 'b' = -2)",
    "Nullable(String)",
    "Nullable(Int64)",
    "Array(String)",
    "Array(UInt8)",
    "Array(Nullable(UInt16))",
    "Array(Array(String))",
    "LowCardinality(String)",
    "LowCardinality(Nullable(String))",
    "Array(LowCardinality(String))",
    "Map(String, UInt64)",
    "Tuple(a UInt8, b String)",
    "Nested(a UInt8, b String)",
    "Tuple(LowCardinality(String), Array(Int64))",
    "IPv6",
    "Float64",
    "Int256",
    "Time64(3)",
    "Nothing",
)
"""Types whose values are made as they should be, before they are spoiled."""
HOSTILE_TYPES = (
    "",
    " ",
    "String ",
    "Strin",
    "FixedString(-1)",
    "FixedString(0)",
    "FixedString(99999999999)",
    "FixedString(x)",
    "FixedString()",
    "Tuple",
    "Tuple()",
    "Array()",
    "Array",
    "Array(Tuple)",
    "Nullable(Array(UInt8))",
    "Map(String)",
    "Nullable(Nullable(String))",
    "LowCardinality(Array(String))",
    "LowCardinality(Decimal(9, 2))",
    "Decimal(-3)",
    "Decimal(99)",
    "Enum8('a' = 1, 'a' = 2)",
    "Enum8('a' = 999)",
    "Enum8('",
    "DateTime('Mars/Olympus')",
    "DateTime64(99)",
    "Nothing",
    "JSON",
    "Dynamic",
    "Variant(String, UInt8)",
    "Object('json')",
    "AggregateFunction(sum, UInt8)",
    "Point",
    "SimpleAggregateFunction(sum, UInt64)",
    "String) ENGINE = Memory",
    "UInt8, b UInt8",
    "UInt8 DEFAULT sleep(3)",
    "Enum8('a' = 1 /*' )*/)) ENGINE = Memory AS SELECT 42 AS x --')",
    'Enum8("a\'b" = 1)',
    "Array(String)\0",
    "String`",
    "Tuple(" + "a" * 30_000 + ")",
    "Tuple(" + ", ".join(["UInt8"] * 9000) + ")",
    "Array(" * 19 + "UInt8" + ")" * 19,
    "Array(" * 1000 + "UInt8" + ")" * 1000,
    "Tuple(" + "`" * 5000 + ")",
    "(" * 5000,
    "Map(String, " * 12 + "UInt8" + ")" * 12,
)


def sized(value: bytes) -> Fields:
    """A text as two fields, so that its length can lie."""
    return [varint(len(value)), value]


def values(chance: Random, spec: str, rows: int) -> Fields:
    """Values of a column as they should be, in so many rows."""
    prefix, body = _column(chance, spec, rows)
    return [*prefix, *body]


def _column(chance: Random, spec: str, rows: int) -> tuple[Fields, Fields]:
    """Prefix and values."""
    name, arguments = parse(spec)
    if name == "String":
        return [], [field for _ in range(rows) for field in sized(chance.randbytes(chance.choice((0, 1, 5, 130))))]
    if name == "Nullable":
        prefix, body = _column(chance, arguments[0], rows)
        return prefix, [bytes(chance.randrange(2) for _ in range(rows)), *body]
    if name in ("Array", "Map", "Nested"):
        inner = arguments[0] if name == "Array" else f"Tuple({', '.join(arguments)})"
        offsets = sorted(chance.randrange(6) for _ in range(rows))
        prefix, body = _column(chance, inner, offsets[-1] if rows else 0)
        return prefix, [*(struct.pack("<Q", offset) for offset in offsets), *body]
    if name == "Tuple":
        parts = [_column(chance, part.rpartition(" ")[2] if part[0].islower() else part, rows) for part in arguments]
        return [field for prefix, _ in parts for field in prefix], [field for _, body in parts for field in body]
    if name == "LowCardinality":
        inner = parse(arguments[0])[1][0] if arguments[0].startswith("Nullable") else arguments[0]
        size = chance.randrange(1, 4)
        keys = _column(chance, inner, size)[1]
        indexes = bytes(chance.randrange(size) for _ in range(rows))
        return [_long(1)], [_long(0x600), _long(size), *keys, _long(rows), indexes] if rows else []
    if name == "Enum8":
        return [], [bytes(chance.choice((1, 254)) for _ in range(rows))]
    width = {"FixedString": 3, "Decimal": 8}.get(name) or WIDTHS[name]
    return [], [chance.randbytes(width) for _ in range(rows)]


def _long(value: int) -> bytes:
    return struct.pack("<Q", value)
