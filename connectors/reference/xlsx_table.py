"""Reads a table from a sheet of a workbook, as people keep them: with titles above, guides beside and hidden sheets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import IO
from zipfile import BadZipFile

from connectors.errors import UnreadableFile
from connectors.files.cell_values import plain
from connectors.files.formula_escape import unescape_formula
from connectors.files.xlsx_reader import DAMAGED
from connectors.files.xlsx_sheet import Sheet, SheetRow
from connectors.files.xlsx_workbook import Workbook, open_workbook, part_of
from connectors.reference.cells import Cell, trimmed
from connectors.reference.table import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Place, Table, TableRow

IsHeader = Callable[[Sequence[str]], bool]
_TITLES = 20
"""The header is among so many rows; titles may stand above it."""


def xlsx_table(file: str, stream: IO[bytes], is_header: IsHeader) -> Table:
    """The table of a workbook: of its only visible sheet with a header, else of its first visible one.

    Without a row that is one, the header is the first row that is not empty.
    """
    try:
        book = open_workbook(stream)
        with closing(book.archive):
            visible = [name for name in book.sheets if name not in book.hidden] or list(book.sheets)
            if not visible:
                raise UnreadableFile(f"{file}: the workbook has no sheet")
            found = [name for name in visible if _split(_rows(file, book, name), is_header)[0]]
            if len(found) > 1:
                named = ", ".join(map(repr, found))
                raise UnreadableFile(
                    f"{file}: the sheets {named:.500} have a table each: save each as a file of its own"
                )
            return _table(file, book, (found or visible)[0], is_header)
    except BadZipFile as error:
        raise UnreadableFile(f"{file}: it is not an XLSX workbook, or has a password: {error}") from error
    except DAMAGED as error:
        raise UnreadableFile(f"{file}: the workbook cannot be read: {error}") from error


def _table(file: str, book: Workbook, sheet: str, is_header: IsHeader) -> Table:
    header, rows = _split(_rows(file, book, sheet), is_header)
    header = header or next(rows, None)
    if header is None:
        raise UnreadableFile(f"{file}: the sheet {sheet!r} is empty; it must have a header of column names")
    _check_width(file, sheet, header[1])
    table = Table(Place(file, header[0], sheet), _names(header), [], [])
    for number, cells in rows:
        _check_width(file, sheet, cells)
        if len(table.rows) == MAX_ROWS:
            raise UnreadableFile(f"{file}: the sheet {sheet!r} has more than {MAX_ROWS} rows")
        read = {column - 1: _cell(cell) for column, cell in cells.items()}
        table.rows.append(TableRow(Place(file, number, sheet), read))
    return table


def _split(rows: Iterator[SheetRow], is_header: IsHeader) -> tuple[SheetRow | None, Iterator[SheetRow]]:
    """The row that is a header, and those below it; None and all rows where there is none."""
    first = list(islice(rows, _TITLES))
    at = next((at for at, row in enumerate(first) if is_header(_names(row))), None)
    return (None, chain(first, rows)) if at is None else (first[at], chain(first[at + 1 :], rows))


def _rows(file: str, book: Workbook, sheet: str) -> Iterator[SheetRow]:
    number = 0
    try:
        with part_of(book.archive, book.sheets[sheet], MAX_BYTES) as content:
            for number, cells in Sheet(book).rows(content):
                yield number, cells
    except DAMAGED as error:
        raise UnreadableFile(f"{file}: the workbook cannot be read after row {number}: {error}") from error


def _check_width(file: str, sheet: str, cells: Mapping[int, Cell]) -> None:
    if max(cells) > MAX_COLUMNS:
        raise UnreadableFile(f"{file}: the sheet {sheet!r} has more than {MAX_COLUMNS} columns")


def _names(row: SheetRow) -> list[str]:
    _, cells = row
    return [trimmed(plain(cells.get(column, ""))) for column in range(1, max(cells) + 1)]


def _cell(cell: Cell) -> Cell:
    return unescape_formula(cell) if isinstance(cell, str) else cell
