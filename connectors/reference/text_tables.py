"""Reads tables of text: CSV with any usual delimiter, and JSON objects."""

import csv
import io
import json
from collections.abc import Callable
from itertools import chain
from typing import IO, Any

from connectors.errors import UnreadableFile
from connectors.files.csv_reader import SEPARATOR_LINE
from connectors.files.csv_recovery import CsvRows
from connectors.files.formula_escape import unescape_formula
from connectors.files.json_stream import values_of
from connectors.files.text_encoding import as_utf8
from connectors.files.text_lines import BOM, Line, lines_of
from connectors.reference.cells import Cell, trimmed
from connectors.reference.table import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Place, Table, TableRow

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t"


def csv_table(file: str, stream: IO[bytes], is_column: Callable[[str], bool]) -> Table:
    """The table of a CSV file; the delimiter is the one with which the header has the most columns of `is_column`."""
    lines = lines_of(_utf8(file, stream))
    first = next((line for line in lines if line.content.removeprefix(BOM).strip()), None)
    if first is None:
        raise UnreadableFile(f"{file}: it is empty; it must have a header of column names")
    first = first._replace(content=first.content.removeprefix(BOM))
    if separator := SEPARATOR_LINE.fullmatch(first.content):
        delimiter = separator[1].decode()
    else:
        delimiter = max(_DELIMITERS, key=lambda each: _known(first, each, is_column))
        lines = chain([first], lines)
    rows = CsvRows(lines, delimiter)
    header = next(rows, None)
    if header is None or isinstance(header.cells, str):
        raise UnreadableFile(f"{file}: its header cannot be read: {header.cells if header else 'it is missing'}")
    names = [trimmed(name) for name in header.cells]
    if len(names) > MAX_COLUMNS:
        raise UnreadableFile(f"{file}: it has {len(names)} columns, at most {MAX_COLUMNS} are read")
    rows.width, rows.named = len(names), max((at for at, name in enumerate(names, 1) if name), default=0)
    table = Table(Place(file, header.line), names, [], [])
    for row in rows:
        place = Place(file, row.line)
        if isinstance(row.cells, str):
            table.findings.append(place.finding("", "", row.cells))
        else:
            table.rows.append(TableRow(place, dict(enumerate(map(unescape_formula, row.cells)))))
        _check_count(file, table)
    return table


def json_table(file: str, stream: IO[bytes]) -> Table:
    """The table of the objects of a JSON array, or of JSON lines; the headers are all keys that occur."""
    table = Table(Place(file, 1), [], [], [])
    numbers: dict[str, int] = {}
    for value in values_of(_utf8(file, stream)):
        place = Place(file, value.line, item=value.number)
        try:
            found = _object(value.content) if not value.cut else value.cut
        except (ValueError, RecursionError) as error:
            found = f"is not JSON: {error}"
        if isinstance(found, str):
            table.findings.append(place.finding("", "", found))
            continue
        for name in found:
            numbers.setdefault(name, len(numbers))
        if len(numbers) > MAX_COLUMNS:
            raise UnreadableFile(f"{file}:{value.line}: there are more than {MAX_COLUMNS} columns")
        table.rows.append(TableRow(place, {numbers[name]: cell for name, cell in found.items()}))
        _check_count(file, table)
    if not table.rows and not table.findings:
        raise UnreadableFile(f"{file}: it is empty; it must have an array of JSON objects")
    table.headers.extend(numbers)
    return table


def _object(content: bytes) -> dict[str, Cell] | str:
    """The cells of an object, or what is wrong with it."""
    found = json.loads(content, object_pairs_hook=_Pairs, parse_constant=_refuse)
    if not isinstance(found, _Pairs):
        return "is not a JSON object"
    cells: dict[str, Cell] = {}
    for key, cell in found:
        name = trimmed(key)
        if name in cells:
            return f"has the key {name!r:.100} twice"
        parts = cell if isinstance(cell, list) else [cell]
        if isinstance(cell, _Pairs) or any(isinstance(part, list) for part in parts):
            return f"has an object or a list of lists in {name!r:.100}: a value or a list of values is expected"
        cells[name] = cell
    return cells


def _refuse(constant: str) -> Cell:
    raise ValueError(f"{constant} is no value")


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of a JSON object, with repeated keys."""


def _utf8(file: str, stream: IO[bytes]) -> io.BufferedReader:
    """The content in UTF-8, of UTF-16 as well where it has a byte order mark."""
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"{file}: it has more than {MAX_BYTES} bytes")
    return as_utf8(io.BytesIO(content), "utf-16" if content.startswith(_UTF_16) else "utf-8")


def _known(line: Line, delimiter: str, is_column: Callable[[str], bool]) -> int:
    text = line.content.decode("utf-8", "replace")
    try:
        return sum(map(is_column, next(csv.reader([text], delimiter=delimiter))))
    except csv.Error:
        return 0


def _check_count(file: str, table: Table) -> None:
    if len(table.rows) + len(table.findings) > MAX_ROWS:
        raise UnreadableFile(f"{file}: it has more than {MAX_ROWS} rows")
