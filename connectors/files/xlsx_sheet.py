"""Streams the rows of a sheet: numbers, texts and dates by column number."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO

from openpyxl.utils.datetime import from_excel

from connectors.files.cell_values import Cell, is_empty
from connectors.files.text_lines import MAX_LINE_BYTES
from connectors.files.xlsx_workbook import MAX_TEXT, Workbook
from connectors.files.xml_stream import UnsafeXml, XmlStream

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384

SheetRow = tuple[int, dict[int, Cell]]
"""A row's number and its non-empty cells by column number; numbers begin at 1."""


class Sheet:
    """Reads a sheet of a workbook; once `wanted` is set, only cells of these columns are kept.

    A formula gives its last value. Empty rows are skipped.
    """

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._xml = XmlStream(self._start, self._end, self._text)
        self._rows: list[SheetRow] = []
        self._row = self._column = self._kept = 0
        self._cells: dict[int, Cell] = {}
        self._type = self._style = ""
        self._parts: list[str] | None = None
        self._content = ""
        self._has_content = self._is_phonetic = False
        self.wanted: frozenset[int] | None = None

    def rows(self, content: IO[bytes]) -> Iterator[SheetRow]:
        """The rows; raises UnsafeXml where the content cannot be that of a sheet."""
        for _ in self._xml.chunks(content):
            yield from self._rows
            self._rows.clear()
            if len(self._content) + sum(map(len, self._parts or ())) > MAX_TEXT:
                raise self._wrong(f"a cell has more than {MAX_TEXT} characters")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            address = attributes.get("r")
            self._column = self._next("column", self._column, address and _number(address), MAX_COLUMNS)
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._content = ""
        elif name in ("v", "t"):
            self._parts = None if self._is_phonetic else []
        elif name == "row":
            given = attributes.get("r")
            number = given and (int(given) if given.isdecimal() and len(given) < 10 else 0)
            self._row = self._next("row", self._row, number, MAX_ROWS)
            self._column, self._cells, self._kept, self._has_content = 0, {}, 0, False
        elif name == "rPh":
            self._is_phonetic = True

    def _text(self, content: str) -> None:
        if self._parts is not None:
            self._parts.append(content)

    def _end(self, name: str) -> None:
        if name in ("v", "t"):
            if self._parts is not None and (name == "t") == (self._type == "inlineStr"):
                self._content += "".join(self._parts)
            self._parts = None
        elif name == "c":
            if self._content:
                self._take()
        elif name == "row":
            if self._has_content:
                self._rows.append((self._row, self._cells))
        elif name == "rPh":
            self._is_phonetic = False

    def _take(self) -> None:
        is_wanted = self.wanted is None or self._column in self.wanted
        if self._has_content and not is_wanted:
            return
        value = self._value(self._content)
        if is_empty(value):
            return
        self._has_content = True
        if is_wanted:
            self._cells[self._column] = value
            self._kept += len(self._content)
            if self._kept > MAX_LINE_BYTES:
                raise self._wrong(f"it has more than {MAX_LINE_BYTES} characters")

    def _value(self, content: str) -> Cell:
        try:
            match self._type:
                case "n":
                    return self._number(content)
                case "s":
                    return self._book.texts[int(content)]
                case "b":
                    return content.strip() in ("1", "true")
                case "d":
                    return datetime.fromisoformat(content) if "T" in content else date.fromisoformat(content)
                case _:
                    return content
        except (ValueError, IndexError) as error:
            what = f"column {self._column} holds {content!r:.50}, which is nothing of type {self._type!r:.20}"
            raise self._wrong(what) from error

    def _number(self, content: str) -> Cell:
        number = int(content) if content.strip().lstrip("-").isdecimal() and len(content) < 20 else float(content)
        shown = self._book.styles[int(self._style)] if self._style else None
        if shown is None:
            return number
        try:
            # Every date is a number of days; only its style says whether it has a time of day.
            found = from_excel(number, self._book.epoch)
        except (OverflowError, ValueError):
            return number
        if isinstance(found, datetime) and shown != "time":
            return found.date() if shown == "date" and found.time() == time.min else found
        return str(found)

    def _next(self, what: str, last: int, given: int | str | None, most: int) -> int:
        """The number of a row or column: the given one, which must be greater than the last, or else the next one."""
        number = last + 1 if given is None or isinstance(given, str) else given
        if not last < number <= most:
            raise self._wrong(f"its {what} {number} comes after {last}, and {most} is the last there can be")
        return number

    def _wrong(self, what: str) -> UnsafeXml:
        return UnsafeXml(f"row {self._row}: {what}")


_NUMBERS: dict[str, int] = {}


def _number(address: str) -> int:
    """The column number of an address such as AB12; 0 where it is no address."""
    letters = address.rstrip("0123456789")
    number = _NUMBERS.get(letters)
    if number is None:
        number = 0
        for letter in letters if len(letters) <= 3 else "":
            number = number * 26 + ord(letter) - 64 if "A" <= letter <= "Z" else 10**9
        if len(_NUMBERS) < MAX_COLUMNS:
            _NUMBERS[letters] = number
    return number
