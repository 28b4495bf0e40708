"""Hostile conversations in ClickHouse's native protocol: valid ones with everything that can be wrong with them.

A conversation is a list of fields – numbers, texts, blocks –, so that a length can lie while all around it is right.
"""

import struct
from random import Random

from msgspec import Struct

from chaos.fuzz.byte_mutation import mutated
from chaos.fuzz.column_values import HOSTILE_TYPES, TYPES, Fields, sized, values
from chaos.fuzz.sql_statements import QUERIES, hostile_statement
from deploy.embedded.clickhouse.compressed_frames import HEADER, LZ4, NONE, checksum, compress
from deploy.embedded.clickhouse.native_blocks import BLOCK_INFO
from deploy.embedded.clickhouse.wire_format import text, varint

CUT_TABLE = "fuzz.cut"
"""Only inserts that break off go here: it stays empty."""
KNOWN_TABLE = "fuzz.known"
"""Nobody may change it."""
REVISION = varint(54430)
LIES = (
    varint(0),
    varint(1),
    varint(2),
    varint(127),
    varint(128),
    varint(65_535),
    varint(65_537),
    varint(1 << 20),
    varint(1 << 26),
    varint((1 << 26) + 1),
    varint((1 << 31) - 1),
    varint(1 << 32),
    varint(1 << 40),
    varint(1 << 62),
    varint((1 << 63) - 1),
    b"\xff" * 8 + b"\x7f",
    b"\xff" * 9 + b"\x01",
    b"\x80" * 9 + b"\0",
    b"\xff" * 12,
    b"\x80\0",
    b"",
    struct.pack("<Q", 1 << 63),
    struct.pack("<Q", (1 << 64) - 1),
    struct.pack("<Q", 7),
)
"""What stands where a length or a code should."""
ENDLESS = "SELECT sum(ignore(number)) FROM numbers(1000000000000)"
FOREIGN = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /?query=SELECT%201 HTTP/1.0\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    bytes.fromhex("160301020001fc0303") + bytes(range(200)),
    bytes.fromhex("0000000804d2162f"),
    b"SSH-2.0-OpenSSH_9.6\r\n",
    bytes.fromhex("00000054000300007573657200"),
    b"*1\r\n$4\r\nPING\r\n",
    b"\0" * 300,
    b"\xff" * 300,
    b"",
    b"\n",
)
"""Data of other protocols that reaches the wrong port."""


class Conversation(Struct, frozen=True):
    """What is sent to the server, and how it ends: by closing at once, or by only saying no more.

    `hello` means that it begins a connection; otherwise the content follows a hello that was sent before.
    """

    kind: str
    content: bytes
    hangs_up: bool = False
    hello: bool = True
    reader: bool = False


def hello(user: str = "default") -> Fields:
    """The beginning of every conversation."""
    return [varint(0), text("fuzz"), varint(1), varint(1), REVISION, text(""), text(user), text("")]


def query(sql: str, compressed: bool = False, settings: Fields | None = None) -> Fields:
    """A query, without the empty block that must follow."""
    client = [text(""), text(""), text(""), b"\x01", text(""), text(""), text(""), varint(1), varint(1), REVISION]
    packet = [varint(1), text(""), b"\x01", *client, text(""), varint(0), *(settings or []), text("")]
    return [*packet, varint(2), varint(int(compressed)), *sized(sql.encode(errors="replace"))]


def data(block: Fields, compressed: bool = False, table: str = "") -> Fields:
    """A packet with a block; compressed, the block is one field or several frames."""
    whole = [BLOCK_INFO, *block]
    return [varint(2), text(table), *(compress(b"".join(whole)) if compressed else whole)]


def end(compressed: bool = False) -> Fields:
    """The empty block."""
    return data([b"\0", b"\0"], compressed)


def block_of(columns: list[tuple[str, str, Fields]], rows: int) -> Fields:
    """A block: names, types and values."""
    out = [varint(len(columns)), varint(rows)]
    for name, spec, column in columns:
        out += [*sized(name.encode()), *sized(spec.encode()), *column]
    return out


def conversation(chance: Random, sink: str) -> Conversation:
    """A malformed or hostile one; inserts that may succeed go to the table `sink`, which has a column s String."""
    way = chance.randrange(100)
    if way < 42:
        return statement(chance)
    if way < 44:
        return Conversation("foreign", chance.choice((*FOREIGN, chance.randbytes(chance.randrange(400)))))
    if way < 54:
        return cut(chance)
    compressed = chance.random() < 0.4
    fields = chance.choice((inserting, inserting, querying, chatting))(chance, sink, compressed)
    if way < 60:
        whole = b"".join(fields)
        return Conversation("bytes", mutated(chance, whole, [whole, b"".join(hello()), chance.randbytes(30)]))
    if way < 70:
        return Conversation("values", b"".join(fields))
    spoil(chance, fields)
    return Conversation("fields", b"".join(fields))


def cut(chance: Random) -> Conversation:
    """An insert that breaks off before its end, at any byte."""
    compressed = chance.random() < 0.5
    whole = b"".join(
        [*hello(), *insert(CUT_TABLE, [_plain(chance) for _ in range(chance.randrange(1, 3))], compressed)]
    )
    return Conversation("cut", whole[: chance.randrange(len(whole))], hangs_up=chance.random() < 0.5)


def insert(table: str, blocks: list[Fields], compressed: bool = False) -> Fields:
    """An insert from its query to its end."""
    fields = [*query(f"INSERT INTO {table} VALUES", compressed), *end(compressed)]
    for block in blocks:
        fields += data(block, compressed)
    return fields + end(compressed)


def _plain(chance: Random) -> Fields:
    rows = chance.randrange(1, 5)
    return block_of([("s", "String", values(chance, "String", rows))], rows)


def inserting(chance: Random, sink: str, compressed: bool) -> Fields:
    """An insert of blocks that are almost right."""
    blocks = [_block(chance) if chance.random() < 0.7 else _plain(chance) for _ in range(chance.randrange(1, 3))]
    return [*hello(), *insert(sink, blocks, compressed), varint(4)]


def querying(chance: Random, __: str, compressed: bool) -> Fields:
    """A query with a table of its own, whose values come back."""
    fields = hello(chance.choice(("default", "reader"))) + query("SELECT * FROM x", compressed)
    name = chance.choice(("x", "x", "x", "", "a`b", "a\\", "system.one", "x" * 3000, "đ"))
    for number in range(chance.choice((1, 2, 60)) if chance.random() < 0.1 else 1):
        fields += data(_block(chance), compressed, name * (number % 3 + 1))
    return [*fields, *end(compressed), varint(4)]


def chatting(chance: Random, __: str, compressed: bool) -> Fields:
    """Several queries one after another, with settings, pings and cancels between."""
    fields = hello()
    for _ in range(chance.randrange(1, 4)):
        settings = [
            text(chance.choice(("max_threads", "max_block_size", "nonsense", "log_comment", "limit", "readonly")))
        ]
        settings += [varint(chance.randrange(4)), text(chance.choice(("1", "0", "-1", "x", "'", "\\", "9" * 50)))]
        fields += query(chance.choice(QUERIES[:10]), compressed, settings if chance.random() < 0.5 else None)
        fields += [*end(compressed), chance.choice((b"", varint(3), varint(4)))]
    return fields


def _block(chance: Random) -> Fields:
    """A block of some type, at times with values or a type that cannot be."""
    rows = chance.choice((0, 1, 2, 3, 7))
    spec = chance.choice(TYPES)
    found = values(chance, spec, rows)
    if chance.random() < 0.5 and found:
        spoil(chance, found)
    if chance.random() < 0.15:
        spec = chance.choice(HOSTILE_TYPES)
    name = chance.choice(("s", "s", "s", "s", "x", "", "a`b", "s" * 300))
    columns = [(name, spec, found)] * chance.choice((1, 1, 1, 1, 2, 0))
    if chance.random() < 0.1:
        rows = chance.choice((rows + 1, 0, 1 << 20, 1 << 40, (1 << 63) - 1))
    return block_of(columns, rows)


def spoil(chance: Random, fields: Fields) -> None:
    """Make one or two fields lie."""
    for _ in range(chance.choice((1, 1, 2))):
        place = chance.randrange(len(fields))
        match chance.randrange(8):
            case 0 | 1 | 2:
                fields[place] = chance.choice(LIES)
            case 3:
                fields[place] = b""
            case 4:
                fields[place] = fields[place] * 2
            case 5:
                fields[place] = fields[chance.randrange(len(fields))]
            case 6:
                fields[place] = _frame(chance, fields[place])
            case _:
                fields[place] = mutated(chance, fields[place], fields)


def _frame(chance: Random, body: bytes) -> bytes:
    """A compressed frame whose checksum is right and whose header is not."""
    sizes = (0, 1, 9, len(body), len(body) + HEADER.size, 1 << 20, (64 << 20) + 1, (1 << 32) - 1)
    method = chance.choice((NONE, NONE, LZ4, LZ4, 0x90, 0x91, 0, 0xFF))
    size = chance.choice((len(body) + HEADER.size, len(body) + HEADER.size, chance.choice(sizes)))
    frame = HEADER.pack(method, size, chance.choice(sizes)) + body
    return (checksum(frame) if chance.random() < 0.9 else chance.randbytes(16)) + frame


def statement(chance: Random) -> Conversation:
    """A query whose text is hostile; the packet is whole, so the connection can live on."""
    reader = chance.random() < 0.4
    fields = [*query(hostile_statement(chance, reader)), *end()]
    if not reader and chance.random() < 0.002:
        fields = [*query(ENDLESS), *end(), varint(3)]
    return Conversation("reader's statement" if reader else "statement", b"".join(fields), hello=False, reader=reader)
