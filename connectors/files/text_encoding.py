"""Files in other encodings, as the UTF-8 that readers take."""

import codecs
import io
from typing import IO

CHUNK = 64 * 1024


def _mark(error: UnicodeError) -> tuple[str, int]:
    """A byte that no UTF-8 has in place of those that the encoding does not know: their line is told, others stay."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("dossier-mark", _mark)


class _Plain(io.RawIOBase):
    """A stream that somebody else closes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives it
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

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives it
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
    """The stream in UTF-8; what its encoding does not know becomes a byte that is no UTF-8."""
    if codecs.lookup(encoding).name != "utf-8":
        return io.BufferedReader(_Transcoded(stream, encoding), CHUNK)
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Plain(stream), CHUNK)
