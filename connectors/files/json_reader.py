"""JSON: an object a line, the objects of an array, or objects one after another; columns may be nested."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import IO, Any

import msgspec

from connectors.errors import UnreadableFile
from connectors.files.json_stream import NotThere, Value, values_of
from connectors.files.mapping import Mapping
from connectors.files.nested_columns import NotRead, Paths, columns_in, nfc_keys
from connectors.files.row import AnyRow, Row, UnreadableRow, check_columns, no_place
from connectors.files.text_lines import NO_LINE_END, Line, shown
from schemas.nfc import is_nfc_utf8

_PEEKED = 1000
_PEEKED_CHARACTERS = 16 * 1024 * 1024
"""How much is read ahead to find the columns, since JSON has no header."""


def json_lines(file: str, lines: Iterator[Line], mapping: Mapping) -> Iterator[AnyRow]:
    """The rows of JSON lines; raises WrongMapping where a column is in none of the first rows."""
    paths = Paths(mapping.columns)
    values = ((line, line.content, line.cut) for line in lines if line.content.strip())
    rows = (_read(paths, line.number, content, cut) for line, content, cut in values)
    return chain(*_peeked(file, rows, mapping))


def json_values(file: str, stream: IO[bytes], mapping: Mapping) -> Iterator[AnyRow]:
    """The rows of a JSON document; raises UnreadableFile where the array that `rows` names is missing."""
    paths = Paths(mapping.columns)
    path = tuple(mapping.rows.split(".")) if mapping.rows else ()
    rows = (_placed(paths, value, mapping.rows or "") for value in values_of(stream, path))
    try:
        return chain(*_peeked(file, rows, mapping))
    except NotThere as error:
        raise UnreadableFile(f"{file}: there are no rows at rows = {mapping.rows!r}: {error}") from error


def _placed(paths: Paths, value: Value, rows: str) -> AnyRow:
    return _read(paths, value.line, value.content, value.cut, partial(_element, rows, value.number))


def _element(rows: str, number: int, _column: str) -> str:
    return f"{rows}[{number}]"


def _read(paths: Paths, number: int, content: bytes, cut: str, place: Callable[[str], str] = no_place) -> AnyRow:
    text = shown(content.strip())
    if cut and cut != NO_LINE_END:
        return UnreadableRow(number, cut, text, place)
    try:
        found = msgspec.json.decode(content)
        if b"\\" in content or not is_nfc_utf8(content):
            found = nfc_keys(found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return UnreadableRow(number, cut or f"is not JSON: {error}", text, place)
    if not isinstance(found, dict):
        return UnreadableRow(number, "is not a JSON object", text, place)
    return row_of(paths, found, number, text, place)


def row_of(
    paths: Paths, found: dict[str, Any], number: int, text: str, place: Callable[[str], str] = no_place
) -> AnyRow:
    """The row of an object, whose keys are in NFC."""
    cells = paths.cells(found)
    if isinstance(cells, str):
        return UnreadableRow(number, cells, text, place)
    try:
        return Row(number, cells, text, place, within=paths.within(found))
    except NotRead as error:
        return UnreadableRow(number, str(error), text, place)


def _peeked(file: str, rows: Iterator[AnyRow], mapping: Mapping) -> tuple[list[AnyRow], Iterator[AnyRow]]:
    """The first rows and the rest; raises WrongMapping where a required column is in none of the first."""
    first: list[AnyRow] = []
    size = 0
    for row in rows:
        first.append(row)
        size += len(row.text)
        if len(first) == _PEEKED or size > _PEEKED_CHARACTERS:
            break
    present = {name for row in first if isinstance(row, Row) for name in row.cells}
    missing = {name for name, must in mapping.columns.items() if must and name not in present}
    if missing and first:
        there = columns_in(_objects(first))
        check_columns(file, mapping.columns, {*there, *present} - missing, _hint(first, there, mapping))
    return first, rows


def _hint(first: list[AnyRow], there: list[str], mapping: Mapping) -> str:
    broken = next((row for row in first if isinstance(row, UnreadableRow)), None)
    if broken is not None:
        return f"; the row on line {broken.line} cannot be read: {broken.reason}"
    within = not mapping.rows and any("[" in name for name in there)
    return "; where the rows are an array within the document, `rows` names it" if within else ""


def _objects(rows: Iterable[AnyRow]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if isinstance(row, Row):
            found = msgspec.json.decode(row.text)
            yield nfc_keys(found)
