"""Transcodes files in other encodings to UTF-8, which the readers take."""

import codecs
import io
from typing import IO

CHUNK = 64 * 1024


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Replace undecodable bytes by a byte that is invalid in UTF-8, so that only their line is rejected."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("dossier-mark", _mark)


class _Plain(io.RawIOBase):
    """A stream that its owner closes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        chunk = self._stream.read(len(into))
        into[: len(chunk)] = chunk
        return len(chunk)


class _Transcoded(io.RawIOBase):
    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("dossier-mark")
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        while not self._held:
            chunk = self._stream.read(CHUNK)
            self._held = self._decoder.decode(chunk, final=not chunk).encode("utf-8", "surrogateescape")
            if not chunk:
                break
        taken = self._held[: len(into)]
        into[: len(taken)] = taken
        self._held = self._held[len(taken) :]
        return len(taken)


def as_utf8(stream: IO[bytes], encoding: str) -> io.BufferedReader:
    """The stream in UTF-8; undecodable bytes become a byte that is invalid in UTF-8."""
    if codecs.lookup(encoding).name != "utf-8":
        return io.BufferedReader(_Transcoded(stream, encoding), CHUNK)
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Plain(stream), CHUNK)
