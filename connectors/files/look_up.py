"""Look-ups: what the texts of a column mean, by a table of reference data in a CSV file."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from msgspec import Struct

from connectors.errors import UnreadableFile, WrongMapping
from connectors.files.cell_values import plain
from connectors.files.csv_reader import csv_rows
from connectors.files.row import Row
from connectors.files.text_lines import BOM, Line, lines_of

_MOST_ROWS = 200_000
_DELIMITERS = (",", ";", "\t")


class LookUp(Struct, frozen=True, forbid_unknown_fields=True):
    """A table: `file`, relative to the mapping, has the text in its column `key`, what it means in `value`."""

    file: str
    key: str
    value: str


def read_table(look_up: LookUp, folder: Path) -> dict[str, str]:
    """The meanings by their texts, as cells are compared; rows without a meaning are left out.

    Raises WrongMapping where the file cannot be read, lacks a column, or gives a text two meanings.
    """
    path = folder / look_up.file
    try:
        with path.open("rb") as stream:
            lines = lines_of(stream)
            first = next(lines, Line(1, b""))
            first = first._replace(content=first.content.removeprefix(BOM))
            delimiter = max(_DELIMITERS, key=lambda each: first.content.count(each.encode()))
            wanted = {look_up.key: True, look_up.value: True}
            return _table(path, look_up, csv_rows(str(path), chain([first], lines), wanted, delimiter))
    except OSError as error:
        raise WrongMapping(f"{path}: the table of a look-up cannot be read: {error.strerror or error}") from error
    except UnreadableFile as error:
        raise WrongMapping(str(error)) from error


def _table(path: Path, look_up: LookUp, rows: Iterator[object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        if not isinstance(row, Row):
            raise WrongMapping(f"{path}: a row of this look-up cannot be read: {getattr(row, 'reason', '')}")
        key, value = (plain(row.cells.get(name) or "") for name in (look_up.key, look_up.value))
        if not key or not value:
            continue
        if found.setdefault(key, value) != value:
            raise WrongMapping(f"{path}:{row.line}: {key!r} has two meanings: {found[key]!r} and {value!r}")
        if len(found) > _MOST_ROWS:
            raise WrongMapping(f"{path}: a look-up may have {_MOST_ROWS} rows")
    return found
