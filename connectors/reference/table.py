"""A table as every format gives it: headers, rows with their places, and what could not be read."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct
from openpyxl.utils import get_column_letter

from connectors.reference.cells import Cell
from schemas.reference.findings import Finding, printable

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of a file, and of the sheet within a workbook."""
MAX_ROWS = 100_000
"""Rows of a file: thirty times the agencies of the country."""
MAX_COLUMNS = 100


class Place(NamedTuple):
    """Where a row is: its file and line, and its sheet or its number in a JSON array."""

    file: str
    line: int
    sheet: str = ""
    item: int | None = None

    def finding(self, column: str, value: str, wrong: str, at: int | None = None) -> Finding:
        """A finding at this place; `at` is the number of the cell's header."""
        return Finding(self.file, self.line, column, value, wrong, self._within(at))

    def __str__(self) -> str:
        return f"{printable(self.file)}:{self.line}"

    def _within(self, at: int | None) -> str:
        if self.item is not None:
            return f"item {self.item}"
        return f"{self.sheet}!{'' if at is None else get_column_letter(at + 1)}{self.line}" if self.sheet else ""


class TableRow(Struct, frozen=True, gc=False):
    """A row: where it is, and its cells by the number of their header."""

    place: Place
    cells: Mapping[int, Cell]


class Table(Struct, frozen=True, gc=False):
    """A table: where its header is, the headers in their order, its rows, and what is wrong with others."""

    place: Place
    headers: list[str]
    rows: list[TableRow]
    findings: list[Finding]
