"""Rows as readers of every format return them: cells by column name, or the reason why a row cannot be read."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from connectors.errors import WrongMapping
from connectors.files.cell_values import Cell


def no_place(_column: str) -> str:
    """No place: the line alone says where the cell is."""
    return ""


class Origin(Struct, frozen=True, gc=False):
    """Where a rejected row came from: its file, when the source exported that, and the number of the import.

    A dry run has no number.
    """

    file: str
    as_of: datetime
    number: int | None = None


class Element(Struct, frozen=True, gc=False):
    """An element of an array in a row: its number in each array around it, from 0, and its cells by column."""

    numbers: tuple[int, ...]
    cells: Mapping[str, Cell]


class Row(Struct, frozen=True, gc=False):
    """A row: the line it begins on (for Parquet and sheets its number), its cells by column, and its text.

    `place` gives the place of a column's cell where the line is not enough. `origin` is set where an earlier import
    rejected the row. `within` has the elements of the arrays that columns name, such as `$.items[*]`.
    """

    line: int
    cells: Mapping[str, Cell]
    text: str
    place: Callable[[str], str] = no_place
    origin: Origin | None = None
    within: Mapping[str, tuple[Element, ...]] = {}


class UnreadableRow(Struct, frozen=True, gc=False):
    """A row that cannot be read: its line, the reason, and its text, with bytes that are not UTF-8 escaped."""

    line: int
    reason: str
    text: str
    place: Callable[[str], str] = no_place
    origin: Origin | None = None


AnyRow: TypeAlias = Row | UnreadableRow


def check_columns(file: str, wanted: Mapping[str, bool], present: Iterable[str], hint: str = "") -> None:
    """Raise WrongMapping, with the columns that there are, where a required column is missing."""
    found = set(present)
    for name, must in wanted.items():
        if must and name not in found:
            there = ", ".join(sorted(each for each in found if each)) or "none"
            raise WrongMapping(f"{file}: the mapped column {name!r} is not there; there are {there:.500}{hint}")


def column_positions(columns: Iterable[str], file: str, wanted: Iterable[str]) -> dict[str, int]:
    """The position of each wanted column; raises WrongMapping where a column occurs more than once."""
    names = list(columns)
    for name in wanted:
        if names.count(name) > 1:
            raise WrongMapping(f"{file}: the column {name!r} is there {names.count(name)} times")
    return {name: names.index(name) for name in wanted if name in names}
