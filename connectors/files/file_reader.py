"""Reads a file of any format as a stream of rows; a row that cannot be read is returned as such."""

import io
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import IO

from connectors.errors import UnreadableFile
from connectors.files.csv_reader import csv_rows
from connectors.files.json_reader import json_lines, json_values
from connectors.files.json_stream import UNCLOSED, UNCLOSED_ARRAY
from connectors.files.mapping import FORMATS, Format, Mapping
from connectors.files.parquet_reader import parquet_rows
from connectors.files.rejects_file import COLUMNS, delimiter_of_rejects, rejected_rows
from connectors.files.row import AnyRow, UnreadableRow
from connectors.files.text_encoding import as_utf8
from connectors.files.text_lines import BOM, NO_LINE_END, Line, lines_of
from connectors.files.xes_reader import xes_rows
from connectors.files.xlsx_reader import xlsx_rows

STDIN = "-"
_EXTENSIONS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xes": "xes",
}
_ARCHIVE = b"PK\x03\x04"


def format_of(path: str, mapping: Mapping, given: str | None = None) -> Format:
    """The format: the given one, else the mapping's, else by the extension; raises UnreadableFile when unknown."""
    extension = Path(path).suffix.lower()
    found = given or mapping.format or _EXTENSIONS.get(extension)
    if found not in FORMATS:
        what = "standard input" if path == STDIN else path
        old = "; .xls is the old format of workbooks: save it as .xlsx" if extension == ".xls" else ""
        raise UnreadableFile(f"{what}: the format is not known, give --format {' or '.join(FORMATS)}{old}")
    return found  # type: ignore[return-value]  # it is one of FORMATS


class FileReader:
    """The rows of one file, each once, in order; a context manager that closes the file.

    Opening reads the header, and raises UnreadableFile when there is nothing to read, WrongMapping when a mapped column
    is missing. JSON and XES have no header: a column must be in one of the first 1000 rows. The rejects file of an
    earlier import is read as its original rows, whatever their format was. Unless the file is `whole`, a last line
    without an end is unreadable, except for a whole JSON object. `truncation` is the reason why the last row is
    unreadable where the file ends inside it.
    """

    def __init__(self, path: str, stdin: IO[bytes], mapping: Mapping, format_: Format, *, whole: bool = True) -> None:
        self._name = "standard input" if path == STDIN else path
        self._mapping = mapping
        self._whole = whole
        self.truncation = ""
        self._stack = ExitStack()
        self.total_bytes = 0
        try:
            if path != STDIN:
                stdin = self._stack.enter_context(Path(path).open("rb"))  # noqa: SIM115  # the stack closes it
                self.total_bytes = Path(path).stat().st_size
            self._stream = stdin
            self._rows = self._open(format_)
        except OSError as error:
            self._stack.close()
            raise UnreadableFile(f"{self._name}: cannot be read: {error.strerror or error}") from error
        except BaseException:
            self._stack.close()
            raise

    @property
    def read_bytes(self) -> int:
        """How many bytes have been read, for showing progress; 0 where that is unknown."""
        return self._stream.tell() if self.total_bytes else 0

    def __iter__(self) -> Iterator[AnyRow]:
        return self._rows

    def __enter__(self) -> "FileReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, format_: Format) -> Iterator[AnyRow]:
        if delimiter := delimiter_of_rejects(_beginning(self._stream)):
            lines = self._from_first(self._lines(self._stream), "a header of column names")
            rows = csv_rows(self._name, lines, dict.fromkeys(COLUMNS, True), delimiter)
            return rejected_rows(self._noting_truncation(rows))
        rows = self._noting_truncation(self._open_format(format_))
        return _without_last(rows, self._mapping.skip_footer) if self._mapping.skip_footer else rows

    def _open_format(self, format_: Format) -> Iterator[AnyRow]:
        name, mapping, stream = self._name, self._mapping, self._stream
        if format_ in ("parquet", "xlsx") and not stream.seekable():
            raise UnreadableFile(f"{name}: {_CALLED[format_]} cannot be read from a pipe; save it as a file")
        if format_ == "parquet":
            return parquet_rows(name, stream, mapping, self._stack)
        if format_ == "xlsx":
            return xlsx_rows(name, stream, mapping, self._stack)
        if format_ == "xes":
            return xes_rows(name, stream, mapping)
        text = as_utf8(stream, mapping.encoding)
        if format_ == "csv":
            return self._csv(self._lines(text))
        beginning = text.peek(1).removeprefix(BOM).lstrip()[:1]
        if format_ == "json" and not beginning and not text.peek(1):
            raise UnreadableFile(f"{name}: there is nothing in it; it must have an array of JSON objects")
        if format_ == "jsonl" and beginning != b"[":
            return json_lines(name, self._from_first(self._lines(text), "a JSON object a line"), mapping)
        return json_values(name, text, mapping)

    def _lines(self, stream: IO[bytes]) -> Iterator[Line]:
        return lines_of(stream, whole=self._whole)

    def _noting_truncation(self, rows: Iterator[AnyRow]) -> Iterator[AnyRow]:
        for row in rows:
            if isinstance(row, UnreadableRow):
                self.truncation = row.reason if row.reason in _TRUNCATIONS else ""
            yield row

    def _csv(self, lines: Iterator[Line]) -> Iterator[AnyRow]:
        name, mapping = self._name, self._mapping
        lines = self._from_first(lines, "a header of column names", may_be_blank=mapping.skip_lines > 0)
        first = next(lines)
        if first.content.startswith(_ARCHIVE):
            raise UnreadableFile(f"{name}: it is a workbook or another archive, not text: give --format xlsx")
        return csv_rows(
            name,
            chain([first], lines),
            mapping.columns,
            mapping.delimiter,
            encoding=mapping.encoding,
            skip_lines=mapping.skip_lines,
        )

    def _from_first(self, lines: Iterator[Line], wanted: str, *, may_be_blank: bool = False) -> Iterator[Line]:
        """The lines without a byte order mark; the first must not be blank."""
        first = next(lines, None)
        if first is None or not (may_be_blank or first.content.removeprefix(BOM).strip()):
            raise UnreadableFile(f"{self._name}: there is nothing in its first line; it must have {wanted}")
        if first.content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableFile(f'{self._name}: it is UTF-16; save it as UTF-8, or map it with encoding = "utf-16"')
        return chain([first._replace(content=first.content.removeprefix(BOM))], lines)


_TRUNCATIONS = {NO_LINE_END, UNCLOSED, UNCLOSED_ARRAY}
_CALLED = {"parquet": "Parquet", "xlsx": "a workbook"}


def _beginning(stream: IO[bytes]) -> bytes:
    """The first bytes of a stream, without consuming them; none where that is impossible."""
    if isinstance(stream, io.BufferedReader):
        return bytes(stream.peek(1))
    if not stream.seekable():
        return b""
    found = stream.read(1000)
    stream.seek(0)
    return found


def _without_last(rows: Iterator[AnyRow], count: int) -> Iterator[AnyRow]:
    held: deque[AnyRow] = deque()
    for row in rows:
        held.append(row)
        if len(held) > count:
            yield held.popleft()
