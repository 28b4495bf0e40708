"""Physical lines of a byte stream: bounded in length, numbered, and printable."""

from collections.abc import Iterator
from typing import IO, NamedTuple

BOM = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 8 * 1024 * 1024
"""A longer line is truncated and rejected, so that a file without line ends cannot exhaust the memory."""


class Line(NamedTuple):
    """A line with its end, numbered from 1; `cut` is the reason why it is incomplete, empty where it is whole."""

    number: int
    content: bytes
    cut: str = ""


NO_LINE_END = "has no line end: what came in may have been cut off here; --whole counts it"


def lines_of(stream: IO[bytes], *, whole: bool = True) -> Iterator[Line]:
    """The lines of a stream, ended by LF or CR LF; unless the stream is `whole`, a last line without an end is cut."""
    number = 0
    while content := stream.readline(MAX_LINE_BYTES):
        number += 1
        if content.endswith(b"\n"):
            yield Line(number, content)
            continue
        if len(content) < MAX_LINE_BYTES:
            yield Line(number, content, "" if whole or not content.strip() else NO_LINE_END)
            continue
        while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield Line(number, content, f"the line has more than {MAX_LINE_BYTES} bytes")


def shown(content: bytes) -> str:
    r"""The text of a line without its end; bytes that are not UTF-8 are written as \xNN."""
    return content.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
