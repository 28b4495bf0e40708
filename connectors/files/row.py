"""What readers of every format give: rows of named cells, and rows that cannot be read."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from connectors.errors import WrongMapping
from connectors.files.cell_values import Cell


def nowhere(_column: str) -> str:
    """The place of cells whose line says it all."""
    return ""


class Origin(Struct, frozen=True, gc=False):
    """Where a row that was put aside came from: its file, when the source had said it, and the number of its import.

    A dry run has no number.
    """

    file: str
    told_at: datetime
    number: int | None = None


class Row(Struct, frozen=True, gc=False):
    """A row: the line on which it begins (of Parquet and sheets: its number), its cells by column, and its text.

    `place` says where a column's cell is where the line does not tell. `origin` is set where the row was put aside
    by an earlier import.
    """

    line: int
    cells: Mapping[str, Cell]
    text: str
    place: Callable[[str], str] = nowhere
    origin: Origin | None = None


class Broken(Struct, frozen=True, gc=False):
    """A row that cannot be read: its line, why, and its text with bytes that are no UTF-8 escaped."""

    line: int
    reason: str
    text: str
    place: Callable[[str], str] = nowhere
    origin: Origin | None = None


Read: TypeAlias = Row | Broken


def check_columns(file: str, wanted: Mapping[str, bool], present: Iterable[str], hint: str = "") -> None:
    """Raise WrongMapping, naming what there is, where a column that must be there is not."""
    found = set(present)
    for name, must in wanted.items():
        if must and name not in found:
            there = ", ".join(sorted(each for each in found if each)) or "none"
            raise WrongMapping(f"{file}: the mapped column {name!r} is not there; there are {there:.500}{hint}")


def named(columns: Iterable[str], file: str, wanted: Iterable[str]) -> dict[str, int]:
    """The place of each wanted column among these; raises WrongMapping where one is there more than once."""
    names = list(columns)
    for name in wanted:
        if names.count(name) > 1:
            raise WrongMapping(f"{file}: the column {name!r} is there {names.count(name)} times")
    return {name: names.index(name) for name in wanted if name in names}
