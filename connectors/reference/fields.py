"""Reads the fields of one row; a field that is wrong becomes a finding and leaves a default in its place."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from connectors.reference.cells import Cell, is_blank
from connectors.reference.table import Place, TableRow
from schemas.reference.findings import Finding

T = TypeVar("T")
D = TypeVar("D")


class Fields:
    """The fields of a row, by their columns; `private` are columns whose values no finding shows.

    `values` are those of texts that were read before, by column: most cells repeat the cell of another row.
    `findings` name columns by their headers in the file. `wrong` are the columns that could not be read.
    """

    def __init__(
        self,
        row: TableRow,
        headers: Sequence[str],
        positions: Mapping[str, int],
        values: dict[tuple[str, str], Any],
        private: frozenset[str] = frozenset(),
    ) -> None:
        self._row = row
        self._headers = headers
        self._positions = positions
        self._values = values
        self._private = private
        self.findings: list[Finding] = []
        self.wrong: set[str] = set()

    @property
    def place(self) -> Place:
        """Where the row is."""
        return self._row.place

    def has(self, column: str) -> bool:
        """Whether the file has this column."""
        return column in self._positions

    def required(self, column: str, read: Callable[[Cell], T], default: T) -> T:
        """The value of a column that must not be empty."""
        if column in self._positions and is_blank(self._cell(column)):
            self._note(column, "", "is empty")
            return default
        return self.take(column, read, default)

    def take(self, column: str, read: Callable[[Cell], T], default: D) -> T | D:
        """The value of a column; the default where it is empty, wrong, or not in the file."""
        cell = self._cell(column)
        if isinstance(cell, str) and (column, cell) in self._values:
            value: T = self._values[column, cell]
            return value
        if is_blank(cell):
            return default
        try:
            value = read(cell)
        except ValueError as error:
            self._note(column, _shown(cell), str(error))
            return default
        if isinstance(cell, str):
            self._values[column, cell] = value
        return value

    def finding(self, column: str, value: str, wrong: str) -> Finding:
        """A finding in a column of this row."""
        at = self._positions.get(column)
        named = column if at is None else self._headers[at]
        return self.place.finding(named, "" if column in self._private else value, wrong, at)

    def _note(self, column: str, value: str, wrong: str) -> None:
        self.wrong.add(column)
        self.findings.append(self.finding(column, value, wrong))

    def _cell(self, column: str) -> Cell:
        at = self._positions.get(column)
        return None if at is None else self._row.cells.get(at)


def _shown(cell: Cell) -> str:
    if isinstance(cell, list):
        return "|".join(map(_shown, cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)
