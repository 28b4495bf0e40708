"""Compressed frames of the native protocol: a checksum, nine bytes of header, LZ4.

The checksum is CityHash128 (of the version that ClickHouse froze) over header and body. A block begins and
ends with a frame, so a frame never contains a part of the next packet.
"""

import struct
from collections.abc import Iterator

import lz4.block
from clickhouse_cityhash.cityhash import CityHash128

from deploy.embedded.clickhouse.errors import CHECKSUM_DIFFERS, LIMIT_EXCEEDED, UNKNOWN_METHOD, ProtocolError
from deploy.embedded.clickhouse.wire_format import Reader

NONE, LZ4, ZSTD = 0x02, 0x82, 0x90
HEADER = struct.Struct("<BII")
CHECKSUM = struct.Struct("<QQ")
FRAME_LIMIT = 64 << 20
"""Largest frame accepted, in bytes before and after compression; clients send one a megabyte or a column."""
FRAME_SIZE = 1 << 20


def checksum(data: bytes) -> bytes:
    """The checksum in front of a frame."""
    value = CityHash128(data)
    return CHECKSUM.pack(value >> 64, value & (1 << 64) - 1)


def compress(data: bytes) -> Iterator[bytes]:
    """The data as LZ4 frames."""
    for start in range(0, len(data), FRAME_SIZE):
        piece = data[start : start + FRAME_SIZE]
        body = lz4.block.compress(piece, store_size=False)
        frame = HEADER.pack(LZ4, len(body) + HEADER.size, len(piece)) + body
        yield checksum(frame) + frame


def decompress(reader: Reader) -> bytes:
    """The content of the next frame; raises ProtocolError where it is damaged, too large or of another method."""
    expected, header = reader.take(CHECKSUM.size), reader.take(HEADER.size)
    method, size, raw = HEADER.unpack(header)
    if method not in (NONE, LZ4):
        name = "zstd" if method == ZSTD else f"method {method:#x}"
        raise ProtocolError(UNKNOWN_METHOD, f"compression by {name} is not supported here: use lz4, or none")
    if not HEADER.size < size <= FRAME_LIMIT or not 0 < raw <= FRAME_LIMIT:
        raise ProtocolError(LIMIT_EXCEEDED, f"a compressed frame of {size} bytes, {raw} when read, cannot be")
    body: bytes = reader.take(size - HEADER.size)
    if checksum(header + body) != expected:
        raise ProtocolError(CHECKSUM_DIFFERS, "the checksum of a compressed frame differs: it was damaged on its way")
    if method == NONE:
        return body
    try:
        data: bytes = lz4.block.decompress(body, uncompressed_size=raw)
    except lz4.block.LZ4BlockError as error:
        raise ProtocolError(LIMIT_EXCEEDED, f"a compressed frame cannot be read: {error}") from error
    return data
