"""Parses lines into CSV rows so that a malformed row does not affect the rows after it.

A quote that is never closed would swallow the following rows. So when a row of several lines is malformed, only its
first line is rejected, and the lines after it are parsed again.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from connectors.files.text_lines import Line, shown


class CsvRow(NamedTuple):
    """A row: its first line, its cells or the reason why it has none, and its text."""

    line: int
    cells: list[str] | str
    text: str


class CsvRows(Iterator[CsvRow]):
    """The rows of some lines. Blank lines are no rows.

    Where `width` is set, each row must have as many cells. Empty cells beyond that are ignored, and `named` cells are
    enough where the other columns have no name. `encoding` is that of the file, for messages; the lines are UTF-8.
    """

    def __init__(self, lines: Iterator[Line], delimiter: str, encoding: str = "utf-8") -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._encoding = encoding
        self._again: deque[Line] = deque()
        self._taken: list[Line] = []
        self._reader = self._begin()
        self.width: int | None = None
        self.named = 0

    def __next__(self) -> CsvRow:
        while True:
            self._taken = []
            try:
                cells = next(self._reader)
            except csv.Error as error:
                return self._broken(_reason(error))
            if len(cells) > 1 or (cells and cells[0].strip()):
                break
        wrong = self._wrong_lines() or self._wrong_width(cells)
        return self._broken(wrong) if wrong else CsvRow(self._taken[0].number, cells, self._text())

    def _begin(self) -> Iterator[list[str]]:
        return csv.reader(self._texts(), delimiter=self._delimiter, strict=True)

    def _texts(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._taken.append(line)
            yield line.content.decode("utf-8", "surrogateescape")

    def _broken(self, wrong: str) -> CsvRow:
        count = len(self._taken)
        self._again.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]
        self._reader = self._begin()  # discards what it has buffered of the row
        reason = self._wrong_lines() or (f"{wrong} (read as one row of {count} lines)" if count > 1 else wrong)
        return CsvRow(self._taken[0].number, reason, self._text())

    def _wrong_lines(self) -> str:
        for line in self._taken:
            if line.cut:
                return line.cut
            if b"\0" in line.content:
                return "holds a NUL byte"
            try:
                line.content.decode()
            except UnicodeDecodeError as error:
                return f"is not {self._encoding.upper()}: {error.reason} at byte {error.start + 1} of the line"
        return ""

    def _wrong_width(self, cells: list[str]) -> str:
        if self.width is None or len(cells) == self.width:
            return ""
        if len(cells) >= self.named and not any(cells[self.width :]):
            return ""
        return f"has {len(cells)} columns, the header has {self.width}"

    def _text(self) -> str:
        return "\n".join(shown(line.content) for line in self._taken)


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote is opened and never closed"
    if "field larger" in text:
        return f"a field has more than {csv.field_size_limit()} characters, or its quote is never closed"
    return f"is not CSV: {text}"
