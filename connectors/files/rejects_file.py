"""The rejects file: what an import rejected, with its place and the reason, in a form that can be imported again."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Self

import msgspec

from connectors.errors import UnreadableFile
from connectors.files.cell_values import Cell
from connectors.files.formula_escape import escape_formula, unescape_formula
from connectors.files.nested_columns import EACH
from connectors.files.row import AnyRow, Element, Origin, Row, UnreadableRow
from connectors.files.text_lines import BOM

COLUMNS = ("file", "line", "place", "event", "column", "value", "reason", "row", "told_at", "import", "cells")
MAX_VALUE = 1_000
MAX_ROW = 32_000
MAX_CELLS = 100_000
"""Characters kept of a value and of a row; a longer text ends in an ellipsis, and its line in the source has the rest.
Longer cells are not kept for another import."""


class RejectsFile:
    """A CSV file that is made with the first reject and that only its owner can read, since rows may be personal data.

    `count` is the number of rejects; `as_of` is when the source exported `file`, `number` that of the import. An
    existing file is replaced. Unless `exact`, cells that look like formulas are escaped.
    """

    def __init__(
        self, path: Path, file: str, as_of: datetime, number: int | None = None, *, exact: bool = False
    ) -> None:
        self.path = path
        self.count = 0
        self._origin = Origin(file, as_of, number)
        self._exact = exact
        self._file: IO[str] | None = None

    def add(self, row: AnyRow, column: str, value: str, reason: str, *, event: str = "") -> None:
        """Write a rejected row, or one of its events; raises UnreadableFile when the file cannot be written."""
        origin = row.origin or self._origin
        cells = encode_cells(row.cells, row.within) if isinstance(row, Row) else ""
        if len(cells) > MAX_CELLS:
            cells = ""
        try:
            if self._file is None:
                self._file = self._create()
            self._write(
                origin.file,
                str(row.line),
                row.place(column),
                event,
                column,
                _short(value, MAX_VALUE),
                reason,
                _short(row.text, MAX_ROW),
                origin.as_of.isoformat(),
                "" if origin.number is None else str(origin.number),
                cells,
            )
        except OSError as error:
            raise UnreadableFile(
                f"{self.path}: rejects cannot be written: {error.strerror}; give --rejects FILE"
            ) from error
        self.count += 1

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")
        self._write(*COLUMNS)
        return self._file

    def _write(self, *cells: str) -> None:
        # A NUL is text here, but the end of the line for other readers.
        safe = [cell.replace("\0", "\\x00") for cell in cells]
        csv.writer(self._file).writerow(safe if self._exact else map(escape_formula, safe))  # type: ignore[arg-type]


def delimiter_of_rejects(beginning: bytes) -> str:
    """The delimiter of a rejects file with this beginning, which spreadsheets change; empty for any other file."""
    signs = (",", ";", "\t")
    return next((sign for sign in signs if beginning.removeprefix(BOM).startswith(sign.join(COLUMNS).encode())), "")


def rejected_rows(rows: Iterator[AnyRow]) -> Iterator[AnyRow]:
    """The rows that an import rejected, each once, from the rows of its rejects file, `exact` or not."""
    last: tuple[Cell, ...] = ()
    for row in rows:
        if isinstance(row, UnreadableRow):
            yield row
            continue
        held = {name: unescape_formula(str(row.cells.get(name, ""))) for name in COLUMNS}
        again = tuple(held[name] for name in ("file", "line", "cells", "row"))
        if again != last:
            yield _rejected(row, held)
        last = again


def _rejected(row: Row, held: dict[str, str]) -> AnyRow:
    def place(_column: str) -> str:
        return held["place"]

    try:
        line, number = int(held["line"]), int(held["import"]) if held["import"] else None
        origin = Origin(held["file"], datetime.fromisoformat(held["told_at"]), number)
        if origin.as_of.tzinfo is None:
            raise ValueError("told_at has no offset")
        found = decode_cells(held["cells"]) if held["cells"] else None
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        return UnreadableRow(row.line, f"is no reject: {error}", row.text)
    if found is None:
        return UnreadableRow(line, f"{held['reason']}: correct it in {held['file']}", held["row"], place, origin)
    cells, within = found
    return Row(line, cells, held["row"], place, origin, within)


def encode_cells(cells: Mapping[str, Cell], within: Mapping[str, tuple[Element, ...]] | None = None) -> str:
    """The cells of a row, and of elements in it, as JSON that keeps their types."""
    marked: dict[str, object] = _all_marked(cells)
    if within:
        marked[EACH] = {
            array: [[each.numbers, _all_marked(each.cells)] for each in elements] for array, elements in within.items()
        }
    return msgspec.json.encode(marked).decode("utf-8", "replace")


def decode_cells(text: str) -> tuple[dict[str, Cell], dict[str, tuple[Element, ...]]]:
    """The cells and elements of this JSON; raises msgspec.MsgspecError or ValueError where it holds none."""
    found = msgspec.json.decode(text, type=dict[str, Any])
    inner = msgspec.convert(found.pop(EACH, {}), dict[str, list[tuple[tuple[int, ...], dict[str, Any]]]])
    within = {
        array: tuple(Element(numbers, _all_unmarked(cells)) for numbers, cells in elements)
        for array, elements in inner.items()
    }
    return _all_unmarked(found), within


def _all_marked(cells: Mapping[str, Cell]) -> dict[str, object]:
    return {name: _marked(cell) for name, cell in cells.items()}


def _all_unmarked(found: Mapping[str, Any]) -> dict[str, Cell]:
    return {name: _unmarked(cell) for name, cell in found.items()}


def _marked(cell: Cell) -> object:
    for name, kind in (("datetime", datetime), ("date", date)):
        if isinstance(cell, kind):
            return {name: cell.isoformat()}
    if isinstance(cell, Decimal):
        return {"decimal": str(cell)}
    if isinstance(cell, str):
        return cell.encode("utf-8", "backslashreplace").decode()
    return {"float": str(cell)} if isinstance(cell, float) and abs(cell) == float("inf") else cell


def _unmarked(found: Any) -> Cell:
    if isinstance(found, list):
        raise ValueError("a cell holds a list")
    if not isinstance(found, dict):
        cell: Cell = found
        return cell
    ((kind, text),) = found.items()
    read: dict[str, Callable[[str], Cell]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "decimal": Decimal,
        "float": float,
    }
    if kind not in read:
        raise ValueError(f"a cell is a {kind!r}")
    return read[kind](text)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
