"""XML as a stream in bounded memory: no entities, no document types, no endless tag.

The parser itself is bounded; its callers must bound what they build from its events.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import IO, NamedTuple
from xml.parsers import expat

CHUNK = 64 * 1024
MAX_TAG_BYTES = 8 * 1024 * 1024
"""A parser must hold a tag or a comment as a whole; text it gives away in parts."""

OnStart = Callable[[str, dict[str, str]], None]
OnEnd = Callable[[str], None]
OnText = Callable[[str], None]


class UnsafeXml(Exception):
    """The stream is no XML, or it is XML that is not read; its text says where and why."""


class XmlStream:
    """Tells a document's tags and text as they come; `line` is where the parser is.

    Names come without a prefix, attributes as they are written.
    """

    def __init__(self, on_start: OnStart, on_end: OnEnd, on_text: OnText | None = None) -> None:
        self._on_start = on_start
        self._on_end = on_end
        self._told = False
        self._names: dict[str, str] = {}
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse
        if on_text is not None:
            parser.CharacterDataHandler = on_text

    @property
    def line(self) -> int:
        """The line of the current position."""
        return self._parser.CurrentLineNumber

    def chunks(self, stream: IO[bytes]) -> Iterator[None]:
        """Parse a document part by part and yield after each, for the caller to take the result; raises UnsafeXml."""
        silent = 0
        for chunk in chain(iter(lambda: stream.read(CHUNK), b""), [b""]):
            self._told = False
            wrong = self._parse(chunk)
            yield
            if wrong is not None:
                raise wrong
            silent = 0 if self._told else silent + len(chunk)
            if silent > MAX_TAG_BYTES:
                raise UnsafeXml(f"line {self.line}: something in it has more than {MAX_TAG_BYTES} bytes")

    def _parse(self, chunk: bytes) -> UnsafeXml | None:
        """Tell what is in this part; what is wrong with it must not keep back what came before."""
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            return UnsafeXml(f"line {error.lineno}: it is no XML: {expat.errors.messages[error.code]}")
        except UnsafeXml as error:
            return error
        return None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._told = True
        self._on_start(self._names.get(name) or self._local(name), attributes)

    def _end(self, name: str) -> None:
        self._told = True
        self._on_end(self._names.get(name) or self._local(name))

    def _local(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self._names) < 100:
            self._names[name] = local
        return local

    def _refuse(self, *_: object) -> None:
        raise UnsafeXml(f"line {self.line}: it has a document type or entities, which are not read")


class Tag(NamedTuple):
    """The beginning of an element with its attributes, or its end, without any; and the line."""

    name: str
    attributes: Mapping[str, str] | None
    line: int


def tags_of(stream: IO[bytes]) -> Iterator[Tag]:
    """The tags of a document in their order; raises UnsafeXml."""
    found: list[Tag] = []
    xml = XmlStream(
        lambda name, attributes: found.append(Tag(name, attributes, xml.line)),
        lambda name: found.append(Tag(name, None, xml.line)),
    )
    for _ in xml.chunks(stream):
        yield from found
        found.clear()
