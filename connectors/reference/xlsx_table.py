"""Reads a table from the first sheet of a workbook."""

from contextlib import closing
from typing import IO
from zipfile import BadZipFile

from connectors.errors import UnreadableFile
from connectors.files.cell_values import plain
from connectors.files.xlsx_reader import DAMAGED
from connectors.files.xlsx_sheet import Sheet
from connectors.files.xlsx_workbook import open_workbook, part_of
from connectors.reference.cells import trimmed
from connectors.reference.table import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Place, Table, TableRow


def xlsx_table(file: str, stream: IO[bytes]) -> Table:
    """The table of a workbook; its header is the first row that is not empty."""
    number = 0
    table: Table | None = None
    try:
        book = open_workbook(stream)
        with closing(book.archive):
            if not book.sheets:
                raise UnreadableFile(f"{file}: the workbook has no sheet")
            sheet, part = next(iter(book.sheets.items()))
            with part_of(book.archive, part, MAX_BYTES) as content:
                for number, cells in Sheet(book).rows(content):
                    if max(cells) > MAX_COLUMNS:
                        raise UnreadableFile(f"{file}: the sheet {sheet!r} has more than {MAX_COLUMNS} columns")
                    place = Place(file, number, sheet)
                    if table is None:
                        names = [trimmed(plain(cells.get(column, ""))) for column in range(1, max(cells) + 1)]
                        table = Table(place, names, [], [])
                        continue
                    table.rows.append(TableRow(place, {column - 1: cell for column, cell in cells.items()}))
                    if len(table.rows) > MAX_ROWS:
                        raise UnreadableFile(f"{file}: the sheet {sheet!r} has more than {MAX_ROWS} rows")
    except BadZipFile as error:
        raise UnreadableFile(f"{file}: it is not an XLSX workbook, or has a password: {error}") from error
    except DAMAGED as error:
        raise UnreadableFile(f"{file}: the workbook cannot be read after row {number}: {error}") from error
    if table is None:
        raise UnreadableFile(f"{file}: the sheet {sheet!r} is empty; it must have a header of column names")
    return table
