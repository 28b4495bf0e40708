"""Packets of ClickHouse's native protocol at revision 54430, as bytes: what a client sends and what it is sent.

Later revisions add fields, and parameters of queries, which are not supported here. This is the first revision in which
clickhouse-go sends settings in the form that is read here.
"""

import socket
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import IO, NamedTuple, TypeAlias

from deploy.embedded.clickhouse.compressed_frames import compress, decompress
from deploy.embedded.clickhouse.errors import LIMIT_EXCEEDED, UNEXPECTED_PACKET, ProtocolError, ServerError
from deploy.embedded.clickhouse.native_blocks import BLOCK_INFO, Columns, walk_columns
from deploy.embedded.clickhouse.wire_format import Reader, text, varint

REVISION = 54430
QUERY_LIMIT = 64 << 20
SETTING_LIMIT = 1 << 20
SETTINGS_LIMIT = 1000

Settings: TypeAlias = dict[str, tuple[str, bool]]
"""Values by name, and whether each is important: an unknown important setting is an error."""


class ClientPacket(IntEnum):
    """Packets from a client."""

    HELLO, QUERY, DATA, CANCEL, PING = range(5)


class ServerPacket(IntEnum):
    """Packets to a client."""

    HELLO, DATA, EXCEPTION, PROGRESS, PONG, END_OF_STREAM, PROFILE_INFO = range(7)


class Hello(NamedTuple):
    """The login of a client."""

    database: str
    user: str
    password: str


class Query(NamedTuple):
    """A statement with its settings, and whether the blocks of both sides are compressed."""

    sql: str
    settings: Settings
    compressed: bool


def unexpected(packet: int) -> ProtocolError:
    """The error for a packet that may not come here."""
    return ProtocolError(UNEXPECTED_PACKET, f"Unexpected packet {packet} from client")


def read_hello(reader: Reader) -> Hello:
    """Read the packet with which a client begins."""
    if (packet := reader.varint()) != ClientPacket.HELLO:
        raise unexpected(packet)
    reader.text(), reader.varint(), reader.varint()  # the client's name and version
    revision = reader.varint()
    hello = Hello(reader.text(), reader.text(), reader.text())
    if revision < REVISION:
        raise ProtocolError(UNEXPECTED_PACKET, f"a client of revision {revision} is too old: {REVISION} is needed")
    return hello


def read_query(reader: Reader) -> Query:
    """Read a query after its packet number."""
    reader.text()  # the query's id
    if reader.byte():  # the client info: who sent the query first, and from where
        reader.text(), reader.text(), reader.text()
        if reader.byte() != 1:
            raise ProtocolError(UNEXPECTED_PACKET, "a query by another interface than TCP")
        reader.text(), reader.text(), reader.text()
        reader.varint(), reader.varint(), reader.varint()
        reader.text(), reader.varint()
    settings: Settings = {}
    while name := reader.text():
        # Important (1), or of the server's own configuration (2), which must not be ignored either.
        important = bool(reader.varint() & 3)
        settings[name] = (reader.text(SETTING_LIMIT), important)
        if len(settings) > SETTINGS_LIMIT:
            raise ProtocolError(LIMIT_EXCEEDED, f"a query of more than {SETTINGS_LIMIT} settings")
    reader.varint()  # the stage up to which the query runs: always to its end
    compressed = bool(reader.varint())
    return Query(reader.text(QUERY_LIMIT), settings, compressed)


def read_block(outer: Reader, compressed: bool, spool: Callable[[str], IO[bytes]]) -> tuple[str, Columns] | None:
    """Read a block after its packet number into the file that `spool` gives for its table.

    Returns the table's name and columns, or None for the empty block at the end.
    """
    table = outer.text()
    reader = Reader(lambda: decompress(outer)) if compressed else outer
    while field := reader.varint():  # the block's info, which does not matter here
        if field > 2:
            raise ProtocolError(UNEXPECTED_PACKET, f"a block with unknown field {field}")
        reader.skip(1 if field == 1 else 4)
    count, rows = reader.varint(), reader.varint()
    if rows and not count:
        raise ProtocolError(UNEXPECTED_PACKET, f"a block of {rows} rows without a column")
    try:
        if rows:
            file = spool(table)
            file.write(varint(count) + varint(rows))
            reader.record(file)
        columns = walk_columns(reader, count, rows)
        reader.stop()
    except ServerError as error:
        # The end of the block is unknown now, and so is the beginning of the next packet.
        raise ProtocolError((error.code, error.name), str(error)) from None
    if compressed and reader.waiting:
        raise ProtocolError(UNEXPECTED_PACKET, "a compressed frame goes on after its block")
    return (table, columns) if count else None


def hello(version: str, timezone: str) -> bytes:
    """The answer to a client's hello."""
    major, minor, patch = (varint(int(part)) for part in version.split(".")[:3])
    parts = (varint(ServerPacket.HELLO), text("ClickHouse"), major, minor, varint(REVISION))
    return b"".join((*parts, text(timezone), text(socket.gethostname()), patch))


def data(block: bytes, compressed: bool) -> bytes:
    """A block of an answer."""
    content = BLOCK_INFO + block
    pieces = compress(content) if compressed else (content,)
    return b"".join((varint(ServerPacket.DATA), text(""), *pieces))


def numbers(*values: int) -> bytes:
    """A packet that consists of numbers alone, its own number first."""
    return b"".join(varint(value) for value in values)


def exception(error: ServerError) -> bytes:
    """The error of a query or a login."""
    message = f"DB::Exception: {error}. ({error.name})"
    packet = (varint(ServerPacket.EXCEPTION), struct.pack("<i", error.code), text("DB::Exception"), text(message))
    # No stack trace, and no nested exception.
    return b"".join((*packet, text(""), b"\0"))
