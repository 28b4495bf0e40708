"""CSV: a header of column names and rows of text, as spreadsheets and databases export them."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice

from connectors.errors import UnreadableFile
from connectors.files.csv_recovery import CsvRows
from connectors.files.row import AnyRow, Row, UnreadableRow, check_columns, column_positions
from connectors.files.text_lines import Line
from schemas.nfc import nfc

SEPARATOR_LINE = re.compile(rb'"?sep=(.|\t)"?\s*', re.IGNORECASE)
"""A first line that tells spreadsheets the delimiter."""


def csv_rows(
    file: str,
    lines: Iterator[Line],
    wanted: Mapping[str, bool],
    delimiter: str = ",",
    *,
    encoding: str = "utf-8",
    skip_lines: int = 0,
) -> Iterator[AnyRow]:
    """The rows below the header; raises UnreadableFile or WrongMapping at once where the header does not fit.

    `encoding` is that of the file, for messages; the lines are already UTF-8.
    """
    first = next(lines, None)
    if first is not None and (separator := SEPARATOR_LINE.fullmatch(first.content)):
        delimiter = separator[1].decode()
    elif first is not None:
        lines = chain([first], lines)
    rows = CsvRows(islice(lines, skip_lines, None), delimiter, encoding)
    header = next(rows, None)
    if header is None or isinstance(header.cells, str):
        reason = header.cells if header else "it is empty"
        hint = '; say with `encoding` how it was saved, for example "cp1258"' if "is not UTF-8" in reason else ""
        raise UnreadableFile(f"{file}: its header line cannot be read: {reason}{hint}")
    names = [nfc(name.strip()) for name in header.cells]
    check_columns(file, wanted, names)
    places = column_positions(names, file, wanted)
    rows.width, rows.named = len(names), max((at for at, name in enumerate(names, 1) if name), default=0)
    return _rows(rows, places)


def _rows(rows: CsvRows, places: dict[str, int]) -> Iterator[AnyRow]:
    for row in rows:
        if isinstance(row.cells, str):
            yield UnreadableRow(row.line, row.cells, row.text)
        else:
            yield Row(row.line, {name: row.cells[place] for name, place in places.items()}, row.text)
