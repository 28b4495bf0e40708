"""XLSX: one sheet of a workbook, its first by default; numbers, dates and the last values of formulas."""

import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import IO
from zipfile import BadZipFile

from openpyxl.utils import get_column_letter

from connectors.errors import UnreadableFile
from connectors.files.cell_values import plain
from connectors.files.mapping import Mapping
from connectors.files.row import AnyRow, Row, check_columns, column_positions
from connectors.files.xlsx_sheet import Sheet, SheetRow
from connectors.files.xlsx_workbook import MAX_SHEET, Workbook, open_workbook, part_of
from connectors.files.xml_stream import UnsafeXml
from schemas.nfc import nfc

DAMAGED = (UnsafeXml, BadZipFile, zlib.error, EOFError, NotImplementedError)
"""Errors of an archive that is damaged or compressed by an unknown method."""


def xlsx_rows(file: str, stream: IO[bytes], mapping: Mapping, stack: ExitStack) -> Iterator[AnyRow]:
    """The rows below the header, which is the first row that is not empty; empty rows are skipped.

    Raises UnreadableFile where the file is no workbook, lacks the sheet or is malicious, WrongMapping where a column is
    missing.
    """
    try:
        book = open_workbook(stream)
        stack.enter_context(book.archive)
        name = _sheet_of(file, book, mapping)
        content = stack.enter_context(part_of(book.archive, book.sheets[name], MAX_SHEET))
    except BadZipFile as error:
        raise UnreadableFile(f"{file}: is not an XLSX workbook, or has a password: {error}") from error
    except DAMAGED as error:
        raise UnreadableFile(f"{file}: the workbook cannot be read: {error}") from error
    sheet = Sheet(book)
    rows = _with_file(file, sheet.rows(content))
    header = next((cells for number, cells in rows if number > mapping.skip_lines), None)
    if header is None:
        raise UnreadableFile(f"{file}: the sheet {name!r} has no header of column names")
    names = [nfc(plain(header.get(column, ""))) for column in range(1, max(header) + 1)]
    check_columns(file, mapping.columns, names)
    places = {column: place + 1 for column, place in column_positions(names, file, mapping.columns).items()}
    sheet.wanted = frozenset(places.values())
    return _rows(name, rows, places)


def _sheet_of(file: str, book: Workbook, mapping: Mapping) -> str:
    named = {nfc(name): name for name in book.sheets}
    wanted = mapping.sheet if mapping.sheet is not None else next(iter(named), None)
    if wanted not in named:
        there = ", ".join(map(repr, named)) or "none"
        raise UnreadableFile(f"{file}: has no sheet {wanted!r}; its sheets are {there:.500}")
    return named[wanted]


def _with_file(file: str, rows: Iterator[SheetRow]) -> Iterator[SheetRow]:
    number = 0
    try:
        for row in rows:
            number = row[0]
            yield row
    except DAMAGED as error:
        raise UnreadableFile(f"{file}: the workbook cannot be read after row {number}: {error}") from error


def _rows(sheet: str, rows: Iterator[SheetRow], places: dict[str, int]) -> Iterator[AnyRow]:
    letters = {name: get_column_letter(place) for name, place in places.items()}
    for number, held in rows:
        cells = {name: held.get(place) for name, place in places.items()}
        text = json.dumps(cells, ensure_ascii=False, default=str)
        yield Row(number, cells, text, partial(_address, sheet, letters, number))


def _address(sheet: str, letters: dict[str, str], number: int, column: str) -> str:
    return f"{sheet}!{letters.get(column, '')}{number}"
