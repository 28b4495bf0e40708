"""The encoding of the native protocol: numbers, strings, and a reader with bounded memory."""

from collections.abc import Callable
from typing import IO

from deploy.embedded.clickhouse.errors import LIMIT_EXCEEDED, NOT_TEXT, ProtocolError

NAME_LIMIT = 1 << 16
"""Longest name, type or setting, in bytes: a declared length never allocates more than a client sends."""


def varint(number: int) -> bytes:
    """A number of variable length, seven bits a byte."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value: str) -> bytes:
    """A string with its length in front."""
    data = value.encode()
    return varint(len(data)) + data


class Reader:
    """Reads from `receive`, which returns the next bytes, or none at the end; raises EOFError when they run out.

    Skipping needs no memory, whatever the length, so a hostile length costs the server nothing. Bytes that are read or
    skipped between `record` and `stop` are copied to the sink.
    """

    def __init__(self, receive: Callable[[], bytes], buffer: bytes = b"") -> None:
        self._receive = receive
        self._buffer = buffer
        self._position = 0
        self._sink: IO[bytes] | None = None
        self._recorded = 0

    @property
    def position(self) -> int:
        """The position in the current buffer; useful where all data is in one buffer."""
        return self._position

    @property
    def waiting(self) -> bytes:
        """The bytes that were received but not read yet."""
        return self._buffer[self._position :]

    def record(self, sink: IO[bytes]) -> None:
        """Copy everything from here on to the sink."""
        self._sink, self._recorded = sink, self._position

    def stop(self) -> None:
        """Stop copying to the sink; harmless when nothing is recorded."""
        if self._sink:
            self._sink.write(self._buffer[self._recorded : self._position])
            self._sink = None

    def _refill(self) -> None:
        if self._sink:
            self._sink.write(self._buffer[self._recorded :])
        self._buffer, self._position, self._recorded = self._receive(), 0, 0
        if not self._buffer:
            raise EOFError("the connection ended")

    def byte(self) -> int:
        """One byte."""
        if self._position == len(self._buffer):
            self._refill()
        value = self._buffer[self._position]
        self._position += 1
        return value

    def varint(self) -> int:
        """A number of variable length, below 2**63."""
        value = shift = 0
        while (byte := self.byte()) > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 56:
                raise ProtocolError(LIMIT_EXCEEDED, "a number of more than 63 bits where a length or a code must be")
        return value | byte << shift

    def take(self, size: int) -> bytes:
        """The next bytes; memory grows with what arrives, not with `size`."""
        start, self._position = self._position, self._position + size
        if self._position <= len(self._buffer):
            return self._buffer[start : self._position]
        pieces = [self._buffer[start:]]
        self._position = len(self._buffer)
        left = size - len(pieces[0])
        while left:
            self._refill()
            self._position = min(left, len(self._buffer))
            pieces.append(self._buffer[: self._position])
            left -= self._position
        return b"".join(pieces)

    def uint64(self) -> int:
        """Eight bytes, little-endian."""
        return int.from_bytes(self.take(8), "little")

    def text(self, limit: int = NAME_LIMIT) -> str:
        """A string with its length in front, in UTF-8: for statements and names, never for rows."""
        size = self.varint()
        if size > limit:
            raise ProtocolError(LIMIT_EXCEEDED, f"a string of {size} bytes where at most {limit} are taken")
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise ProtocolError(
                NOT_TEXT, "a statement, setting or name is no UTF-8: send other bytes as rows"
            ) from None

    def skip(self, size: int) -> None:
        """Skip this number of bytes."""
        while size > (left := len(self._buffer) - self._position):
            self._position = len(self._buffer)
            size -= left
            self._refill()
        self._position += size

    def skip_texts(self, count: int) -> None:
        """Skip this number of strings: the only loop that runs once per value, so it is written for speed."""
        while count:
            buffer, position, end = self._buffer, self._position, len(self._buffer)
            for left in range(count, 0, -1):  # noqa: B007 where it broke off is read below
                if position >= end:
                    break
                size = buffer[position]
                if size < 128:
                    position += size + 1
                else:
                    self._position = position
                    self.skip(self.varint())
                    buffer, position, end = self._buffer, self._position, len(self._buffer)
            else:
                left = 0
            count = left
            self._position = min(position, end)
            if position > end:
                self.skip(position - end)
            elif count:
                self._refill()
