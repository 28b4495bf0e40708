"""XES: event logs as process mining keeps them. A row is an event, with its trace's attributes as `case:…` columns."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import IO

from connectors.errors import UnreadableFile
from connectors.files.cell_values import Cell, Clock, to_instant
from connectors.files.mapping import Mapping
from connectors.files.row import AnyRow, Row, check_columns
from connectors.files.xml_stream import Tag, UnsafeXml, tags_of
from schemas.nfc import nfc

_TYPES = {"string", "date", "int", "float", "boolean", "id"}
_MOST = 10_000
"""Most attributes of a trace or an event."""
_PEEKED = 1000


def xes_rows(file: str, stream: IO[bytes], mapping: Mapping) -> Iterator[AnyRow]:
    """The rows; raises UnreadableFile where the file is not XES, WrongMapping where the first rows lack a column.

    A trace without events gives one row with its own attributes.
    """
    log = _Log(mapping)
    rows = _with_file(file, log, stream)
    first = list(_first(rows))
    check_columns(file, mapping.columns, log.seen)
    return chain(first, rows)


def _first(rows: Iterator[AnyRow]) -> Iterator[AnyRow]:
    for number, row in enumerate(rows, 1):
        yield row
        if number == _PEEKED:
            return


def _with_file(file: str, log: "_Log", stream: IO[bytes]) -> Iterator[AnyRow]:
    number = 0
    try:
        for row in log.rows(tags_of(stream)):
            number += 1
            yield row
    except UnsafeXml as error:
        raise UnreadableFile(f"{file}: cannot be read after row {number}: {error}") from error


class _Log:
    """Where in a log the tags are: what the trace says, and what the event."""

    def __init__(self, mapping: Mapping) -> None:
        self._wanted = frozenset(mapping.columns)
        self._clock = Clock(mapping.zone)
        self._trace: dict[str, Cell] = {}
        self._event: dict[str, Cell] | None = None
        self._count = 0
        self.seen: set[str] = set()

    def rows(self, tags: Iterator[Tag]) -> Iterator[Row]:
        """The rows of these tags; raises UnsafeXml where they are no log."""
        open_: list[str] = []
        line = given = 0
        for tag in tags:
            if not open_ and tag.name != "log":
                raise UnsafeXml(f"line {tag.line}: it is no XES: its root is <{tag.name}>, not <log>")
            if tag.attributes is not None:
                within = open_[-1] if open_ else ""
                open_.append(tag.name)
                if tag.name == "trace" and within == "log":
                    self._trace, self._count, line, given = {}, 0, tag.line, 0
                elif tag.name == "event" and within in ("trace", "log"):
                    self._event, self._count, line = {}, 0, tag.line
                elif within in ("trace", "event") and tag.name in _TYPES:
                    self._take(tag, "case:" if within == "trace" else "")
                if len(open_) > 100:
                    raise UnsafeXml(f"line {tag.line}: its elements are nested more than 100 deep")
                continue
            open_.pop()
            if tag.name == "event" and self._event is not None:
                yield _row(line, self._trace | self._event)
                self._event, given = None, given + 1
            elif tag.name == "trace" and open_ == ["log"]:
                if not given:
                    yield _row(line, self._trace)
                self._trace = {}

    def _take(self, tag: Tag, prefix: str) -> None:
        attributes = tag.attributes or {}
        name = prefix + nfc(attributes.get("key", ""))
        self._count += 1
        if self._count > _MOST:
            raise UnsafeXml(f"line {tag.line}: a trace or an event has more than {_MOST} attributes")
        if len(self.seen) < _MOST:
            self.seen.add(name)
        if name in self._wanted:
            into = self._trace if prefix or self._event is None else self._event
            into[name] = _typed(tag.name, attributes.get("value", ""), self._clock)


def _typed(kind: str, text: str, clock: Clock) -> Cell:
    """The value as its type has it; the text where it is none, for the mapping to judge."""
    try:
        if kind == "date":
            return to_instant(text, clock)
        if kind in ("int", "float"):
            return int(text) if kind == "int" else float(text)
    except ValueError:
        return text
    return text


def _row(line: int, cells: dict[str, Cell]) -> Row:
    return Row(line, cells, json.dumps(cells, ensure_ascii=False, default=str))
