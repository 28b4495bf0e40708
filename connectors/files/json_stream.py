"""Splits a stream of JSON into values: the elements of an array, or values one after another.

Values are delimited by brackets and quotes alone, so that an invalid one does not affect the others, and only one has
to fit into memory.
"""

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

import msgspec

from connectors.files.text_lines import BOM, MAX_LINE_BYTES
from schemas.nfc import nfc

CHUNK = 64 * 1024
UNCLOSED = "is not closed until the end of the file"
UNCLOSED_ARRAY = "the array is not closed: the file ends within it"
_SHOWN = 1000

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SHALLOW = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb')*+(["\[\]{},])', re.DOTALL)
_DEEP = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb')*+(["\[\]{}])', re.DOTALL)
"""From inside a value to its next bracket, skipping whole strings; matches a quote only where its string is cut."""
_WITHIN_STRING = re.compile(rb'[^"\\]*+("|\\.?)', re.DOTALL)
_BLANK = re.compile(rb"[ \t\r\n]*")


class Value(NamedTuple):
    """A value, the line it begins on, and its number; `cut` is the reason why it is incomplete."""

    line: int
    number: int
    content: bytes
    cut: str = ""


class NotThere(Exception):
    """The document has no such array; the text says what it has instead."""


class JsonStream:
    """A cursor in a stream of JSON that never holds more than one value of MAX_LINE_BYTES."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._buffer = stream.read(CHUNK).removeprefix(BOM)
        self._at = 0
        self._line = 1
        self._counted = 0

    def peek(self) -> bytes:
        """The next byte that is not whitespace; empty at the end."""
        while True:
            self._at = _BLANK.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # it always matches
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._fill():
                return b""

    def skip(self) -> None:
        """Skip the byte that was peeked at."""
        self._at += 1

    def key(self) -> str:
        """Read a key and its colon; raises NotThere where there is none."""
        end = self._buffer.find(b":", self._at)
        while end < 0 and len(self._buffer) - self._at < CHUNK and self._fill():
            end = self._buffer.find(b":", self._at)
        try:
            name = msgspec.json.decode(self._buffer[self._at : end], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotThere(f"line {self.line} is not JSON: a key is expected") from error
        self._at = end + 1
        return nfc(name)

    @property
    def line(self) -> int:
        """The line of the cursor, from 1."""
        self._line += self._buffer.count(b"\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def value(self, *, among: bool) -> tuple[bytes, str]:
        """Read the bytes of a value; one `among` others of an array ends at a comma or bracket.

        Of a value that is too long, only the beginning is returned, and the reason.
        """
        position, depth, beginning, in_string = self._at, 0, b"", False
        while True:
            pattern = _WITHIN_STRING if in_string else _DEEP if depth else _SHALLOW
            found = pattern.match(self._buffer, position)
            if found is None or found[1] == b"\\":
                # The byte after a backslash at the end of the buffer belongs to it.
                position = len(self._buffer) if found is None else found.start(1)
                if position - self._at > MAX_LINE_BYTES:
                    beginning = beginning or self._buffer[self._at : self._at + _SHOWN]
                    self._at = position
                position -= self._at
                if self._fill():
                    continue
                position, wrong = len(self._buffer), UNCLOSED
                break
            position, mark, wrong = found.end(), found[1], ""
            if mark == b'"':
                in_string = not in_string
            elif in_string or len(mark) > 1:
                continue
            elif mark in b"[{":
                depth += 1
            elif not depth:
                position = found.start(1)
                break
            elif mark in b"]}":
                depth -= 1
                if not depth and not among:
                    break
        content = beginning or self._buffer[self._at : position]
        self._at = position
        if beginning:
            return content, f"has more than {MAX_LINE_BYTES} bytes"
        return content, wrong if depth or in_string else ""

    def _fill(self) -> bool:
        """Read more and discard what is before the cursor; False at the end of the stream."""
        _ = self.line
        chunk = self._stream.read(CHUNK)
        self._buffer = self._buffer[self._at :] + chunk
        self._at = self._counted = 0
        return bool(chunk)


def values_of(stream: IO[bytes], path: tuple[str, ...] = ()) -> Iterator[Value]:
    """The elements of the array at this path; without a path, the top-level values, or the elements of their arrays.

    Raises NotThere where there is no array at the path.
    """
    json = JsonStream(stream)
    for depth, key in enumerate(path):
        _enter(json, key, ".".join(path[:depth]) or "the document")
    if path and json.peek() != b"[":
        raise NotThere(f"{'.'.join(path)} is no array")
    number = 0
    while opening := json.peek():
        if opening != b"[":
            yield _value(json, number, among=False)
            number += 1
            continue
        json.skip()
        while (mark := json.peek()) not in (b"]", b""):
            if mark == b",":
                json.skip()
                continue
            yield _value(json, number, among=True)
            number += 1
        if not mark:
            yield Value(json.line, number, b"", UNCLOSED_ARRAY)
            return
        json.skip()
        if path:
            return


def _value(json: JsonStream, number: int, *, among: bool) -> Value:
    line = json.line
    content, cut = json.value(among=among)
    if not content:
        json.skip()  # a bracket that closes nothing
    return Value(line, number, content, cut)


def _enter(json: JsonStream, key: str, where: str) -> None:
    """Move to the value of this key in the object at the cursor."""
    if json.peek() != b"{":
        raise NotThere(f"{where} is no object, so it has no {key!r}")
    keys: list[str] = []
    json.skip()
    while json.peek() not in (b"}", b""):
        name = json.key()
        if name == key:
            return
        keys.append(name)
        json.value(among=True)
        if json.peek() == b",":
            json.skip()
    raise NotThere(f"{where} has no {key!r}; it has {', '.join(keys) or 'nothing'}")
