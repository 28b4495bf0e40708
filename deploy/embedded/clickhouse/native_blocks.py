"""Blocks of the Native format: their length, and the names and types of their columns.

The engine encodes and decodes blocks itself. A block does not begin with its length, so the server walks over its
columns to find its end; it reads lengths only, never values.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from deploy.embedded.clickhouse.errors import LIMIT_EXCEEDED, NOT_SUPPORTED, ProtocolError, ServerError
from deploy.embedded.clickhouse.wire_format import Reader, text, varint

Columns = list[tuple[str, str]]
"""Names and types, in order."""
Walk = Callable[[Reader, int], None]

BLOCK_INFO = bytes.fromhex("010002ffffffff00")
"""In front of every block on the wire: no overflow rows, no bucket number."""
COLUMN_LIMIT = 10_000
DEPTH_LIMIT = 20

WIDTHS = {
    name: width
    for width, names in {
        1: "UInt8 Int8 Bool Enum8 Nothing",
        2: "UInt16 Int16 Date Enum16 BFloat16",
        4: "UInt32 Int32 Float32 Date32 DateTime DateTime32 IPv4 Decimal32 Time",
        8: "UInt64 Int64 Float64 DateTime64 Decimal64 Time64",
        16: "UInt128 Int128 UUID IPv6 Decimal128",
        32: "UInt256 Int256 Decimal256",
    }.items()
    for name in names.split()
}
TOKEN = re.compile(r"'(?:\\.|[^'\\])*+'|`(?:\\.|[^`\\])*+`|[(),]|(?P<foreign>['`\"$#]|--|/\*)", re.DOTALL)
"""What a type is made of; `foreign` could hide a part of it: comments, other quotes, quotes that never close."""
ELEMENT_NAME = re.compile(r"(?:\w++|`(?:\\.|[^`\\])*+`)\s++(?=\w)")


def header(columns: Columns) -> bytes:
    """A block without rows."""
    return varint(len(columns)) + b"\0" + b"".join(text(name) + text(spec) for name, spec in columns)


def walk_columns(reader: Reader, count: int, rows: int) -> Columns:
    """Skip the columns of a block with this number of columns and rows; raises ServerError where it cannot."""
    if count > COLUMN_LIMIT:
        raise ProtocolError(LIMIT_EXCEEDED, f"a block of {count} columns where at most {COLUMN_LIMIT} are taken")
    columns = []
    for _ in range(count):
        name, spec = reader.text(), reader.text()
        columns.append((name, spec))
        if rows:
            prefix, walk = layout(spec)
            reader.skip(prefix)
            walk(reader, rows)
    return columns


def inside(data: bytes) -> Reader:
    """A reader of bytes in memory."""
    return Reader(lambda: b"", data)


def split(data: bytes) -> Iterator[tuple[Columns, bytes]]:
    """The single blocks of a result that the engine returned in one piece, each with its columns."""
    reader, start = inside(data), 0
    while start < len(data):
        columns = walk_columns(reader, reader.varint(), reader.varint())
        yield columns, data[start : reader.position]
        start = reader.position


def is_in_blocks(spec: str) -> bool:
    """Whether blocks name this type in full, and the server can walk over its values."""
    try:
        layout(spec)
    except ServerError:
        return False
    return spec != "DateTime" and not spec.startswith("DateTime(")


def own_columns(block: bytes) -> Columns | None:
    """The columns that a block of the engine names itself; None where it does not name all types in full.

    `DateTime` may stand for `DateTime('zone')`, see `retyped`; and a client's setting can write types in another form.
    """
    reader = inside(block)
    try:
        columns = walk_columns(reader, reader.varint(), reader.varint())
    except (ServerError, EOFError):
        return None
    return columns if all(is_in_blocks(spec) for _, spec in columns) else None


def retyped(block: bytes, columns: Columns) -> bytes:
    """The block with its time zones restored: for old clients the engine writes `DateTime('zone')` as `DateTime`."""
    zoned = [index for index, (_, spec) in enumerate(columns, 1) if spec.startswith("DateTime(")]
    if not zoned:
        return block
    reader, out = inside(block), []
    count, rows = reader.varint(), reader.varint()
    for name, spec in columns[: zoned[-1]]:
        reader.text(), reader.text()
        start = reader.position
        prefix, walk = layout(spec)
        reader.skip(prefix)
        walk(reader, rows)
        out += [text(name), text(spec), block[start : reader.position]]
    return b"".join([varint(count), varint(rows), *out, reader.waiting])


def parse(spec: str) -> tuple[str, list[str]]:
    """A type's name and its arguments: `Map(String, Array(UInt8))` is `Map` and `String`, `Array(UInt8)`.

    It accepts exactly one well-formed type, so the result may be used in a statement.
    """
    name, opened, rest = spec.partition("(")
    if not re.fullmatch(r"\w+", name):
        raise ServerError(NOT_SUPPORTED, f"{spec[:80]!r} is no type of a column")
    if not opened:
        return name, []
    arguments, depth, start = [], 0, 0
    for token in TOKEN.finditer(rest):
        if token["foreign"]:
            break
        if token[0] == "(":
            depth += 1
        elif depth and token[0] == ")":
            depth -= 1
        elif not depth and token[0] in (",", ")"):
            arguments.append(rest[start : token.start()].strip())
            start = token.end()
            if token[0] == ")":
                if start == len(rest):
                    return name, arguments
                break
    raise ServerError(NOT_SUPPORTED, f"{spec[:80]!r} is no type of a column")


@lru_cache(maxsize=1024)
def layout(spec: str, depth: int = 0) -> tuple[int, Walk]:
    """The layout of a column of this type: the size of its prefix, and a function that skips its values.

    Raises ServerError for a type whose length is unknown without decoding it, such as JSON.
    """
    if depth > DEPTH_LIMIT:
        raise ServerError(LIMIT_EXCEEDED, f"a type of more than {DEPTH_LIMIT} levels")
    name, arguments = parse(spec)
    try:
        if name in WIDTHS or name.startswith("Interval"):
            return 0, _fixed(WIDTHS.get(name, 8))
        if name == "String":
            return 0, Reader.skip_texts
        if name == "FixedString":
            return 0, _fixed(int(arguments[0]))
        if name == "Decimal":
            digits = int(arguments[0])
            return 0, _fixed(next(size for most, size in ((9, 4), (18, 8), (38, 16), (76, 32)) if digits <= most))
        if name == "Nullable":
            return _nullable(*layout(arguments[0], depth + 1))
        if name == "Array":
            return _array(*layout(arguments[0], depth + 1))
        if name == "Map":
            return _array(*layout(f"Tuple({arguments[0]}, {arguments[1]})", depth + 1))
        if name == "Nested":
            return _array(*layout(f"Tuple({', '.join(arguments)})", depth + 1))
        if name == "Tuple":
            return _tuple([layout(_unnamed(argument), depth + 1) for argument in arguments])
        if name == "SimpleAggregateFunction":
            return layout(arguments[1], depth + 1)
        if name == "LowCardinality":
            inner, of = parse(arguments[0])
            return _dictionary(layout(of[0] if inner == "Nullable" else arguments[0], depth + 1)[1])
    except (IndexError, ValueError, StopIteration):
        raise ServerError(NOT_SUPPORTED, f"the type {spec[:80]!r} lacks an argument, or has a wrong one") from None
    raise ServerError(NOT_SUPPORTED, f"columns of type {spec[:80]} are not supported here: cast them, e.g. to String")


def _unnamed(element: str) -> str:
    named = ELEMENT_NAME.match(element)
    return element[named.end() :] if named else element


def _fixed(width: int) -> Walk:
    if width < 1:
        raise ValueError("values without a width have no end")
    return lambda reader, rows: reader.skip(width * rows)


def _nullable(prefix: int, inner: Walk) -> tuple[int, Walk]:
    def walk(reader: Reader, rows: int) -> None:
        reader.skip(rows)
        inner(reader, rows)

    return prefix, walk


def _array(prefix: int, inner: Walk) -> tuple[int, Walk]:
    def walk(reader: Reader, rows: int) -> None:
        if rows:
            reader.skip(8 * (rows - 1))
            inner(reader, reader.uint64())

    return prefix, walk


def _tuple(parts: list[tuple[int, Walk]]) -> tuple[int, Walk]:
    if not parts:
        raise ValueError("values without a width have no end")

    def walk(reader: Reader, rows: int) -> None:
        for _, inner in parts:
            inner(reader, rows)

    return sum(prefix for prefix, _ in parts), walk


def _dictionary(inner: Walk) -> tuple[int, Walk]:
    def walk(reader: Reader, rows: int) -> None:
        if rows:
            width = reader.uint64() & 0xFF
            if width > 3:
                raise ProtocolError(LIMIT_EXCEEDED, "the index of a LowCardinality column has no known width")
            inner(reader, reader.uint64())
            reader.skip(reader.uint64() << width)

    return 8, walk
