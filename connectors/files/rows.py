"""Files as rows: CSV, JSON lines and Parquet, streamed, with every row that cannot be read told apart from the rest."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, TypeAlias

import msgspec
import pyarrow
import pyarrow.parquet
from msgspec import Struct

from connectors.errors import UnreadableFile, WrongMapping
from connectors.files.csvlines import CsvRows
from connectors.files.lines import BOM, Line, lines_of, shown
from connectors.files.mapping import FORMATS, Format
from connectors.files.mapping import Mapping as FileMapping
from connectors.files.values import Cell, plain

STDIN = "-"
_EXTENSIONS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_PEEKED = 1000
_BATCH = 5000


class Row(Struct, frozen=True, gc=False):
    """A row: the line on which it begins (of Parquet: its number), its cells by column, and its text."""

    line: int
    cells: Mapping[str, Cell]
    text: str


class Broken(Struct, frozen=True, gc=False):
    """A row that cannot be read: its line, why, and its text with bytes that are no UTF-8 escaped."""

    line: int
    reason: str
    text: str


Read: TypeAlias = Row | Broken


def format_of(path: str, mapping: FileMapping, told: str | None = None) -> Format:
    """The format: as told, else as the mapping has it, else by the extension; raises UnreadableFile when unknown."""
    extension = Path(path).suffix.lower()
    found = told or mapping.format or _EXTENSIONS.get(extension)
    if found not in FORMATS:
        what = "standard input" if path == STDIN else path
        raise UnreadableFile(f"{what}: the format is not known, give --format {' or '.join(FORMATS)}")
    return found  # type: ignore[return-value]  # it is one of FORMATS


class Rows:
    """The rows of one file, each once, in order; a context manager that closes the file.

    Opening it reads the header and raises UnreadableFile when there is nothing to read, WrongMapping when a mapped
    column is not there. JSON lines have no header: a column must be in one of the first 1000 rows.
    """

    def __init__(self, path: str, stdin: IO[bytes], mapping: FileMapping, format_: Format) -> None:
        self._name = "standard input" if path == STDIN else path
        self._delimiter = mapping.delimiter
        self._columns = mapping.columns
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
        """How far the file has been read, for showing progress; 0 where it cannot be told."""
        return self._stream.tell() if self.total_bytes else 0

    def __iter__(self) -> Iterator[Read]:
        return self._rows

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, format_: Format) -> Iterator[Read]:
        stream = self._stream
        if format_ == "parquet":
            return self._parquet(stream)
        lines = lines_of(stream)
        first = next(lines, None)
        if first is None or not first.content.removeprefix(BOM).strip():
            raise UnreadableFile(f"{self._name}: there is nothing in its first line; it must have {_WANTED[format_]}")
        if first.content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableFile(f"{self._name}: it is UTF-16; save it as UTF-8")
        lines = chain([first._replace(content=first.content.removeprefix(BOM))], lines)
        return self._csv(lines) if format_ == "csv" else self._jsonl(lines)

    def _csv(self, lines: Iterator[Line]) -> Iterator[Read]:
        rows = CsvRows(lines, self._delimiter)
        header = next(rows, None)
        if header is None or isinstance(header.cells, str):
            reason = header.cells if header else "it is empty"
            raise UnreadableFile(f"{self._name}: its header line cannot be read: {reason}")
        names = [name.strip() for name in header.cells]
        self._check_columns(set(names))
        for name in self._columns:
            if names.count(name) > 1:
                raise WrongMapping(f"{self._name}: the column {name!r} is there {names.count(name)} times")
        return self._csv_rows(rows, names)

    def _csv_rows(self, rows: CsvRows, names: list[str]) -> Iterator[Read]:
        rows.width = len(names)
        wanted = [(name, names.index(name)) for name in self._columns if name in names]
        for row in rows:
            if isinstance(row.cells, str):
                yield Broken(row.line, row.cells, row.text)
            else:
                yield Row(row.line, {name: row.cells[place] for name, place in wanted}, row.text)

    def _jsonl(self, lines: Iterator[Line]) -> Iterator[Read]:
        rows = (self._json_row(line) for line in lines if line.content.strip())
        peeked = list(islice(rows, _PEEKED))
        self._check_columns({name for row in peeked if isinstance(row, Row) for name in row.cells})
        return chain(peeked, rows)

    def _json_row(self, line: Line) -> Read:
        text = shown(line.content)
        if line.cut:
            return Broken(line.number, line.cut, text)
        try:
            found = msgspec.json.decode(line.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Broken(line.number, f"is not JSON: {error}", text)
        if not isinstance(found, dict):
            return Broken(line.number, "is not a JSON object", text)
        nested = next((name for name in self._columns if isinstance(found.get(name), dict | list)), None)
        if nested is not None:
            return Broken(line.number, f"the column {nested!r} is nested, not a plain value", text)
        return Row(line.number, {name: found[name] for name in self._columns if name in found}, text)

    def _parquet(self, stream: IO[bytes]) -> Iterator[Read]:
        if not stream.seekable():
            raise UnreadableFile(f"{self._name}: Parquet cannot be read from a pipe; save it as a file")
        try:
            file = self._stack.enter_context(pyarrow.parquet.ParquetFile(stream))
        except (pyarrow.ArrowException, OSError) as error:
            raise UnreadableFile(f"{self._name}: is not a Parquet file: {_one_line(error)}") from error
        names = file.schema_arrow.names
        self._check_columns(set(names))
        return self._parquet_rows(file, [name for name in self._columns if name in names])

    def _parquet_rows(self, file: Any, names: list[str]) -> Iterator[Read]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=_BATCH, columns=names):
                for found in _in_microseconds(batch).to_pylist():
                    number += 1
                    text = json.dumps(found, ensure_ascii=False, default=str)
                    nested = next((name for name, cell in found.items() if isinstance(cell, dict | list | bytes)), None)
                    if nested is not None:
                        yield Broken(number, f"the column {nested!r} is nested or binary, not a plain value", text)
                    else:
                        yield Row(number, found, text)
        except (pyarrow.ArrowException, OSError) as error:
            raise UnreadableFile(f"{self._name}: is damaged after row {number}: {_one_line(error)}") from error

    def _check_columns(self, present: set[str]) -> None:
        for name, must in self._columns.items():
            if must and name not in present:
                there = ", ".join(sorted(present)) or "none"
                raise WrongMapping(
                    f"{self._name}: the mapped column {plain(name)!r} is not there; there are {there:.500}"
                )


def _in_microseconds(batch: Any) -> Any:
    """The batch without nanoseconds, which neither datetime nor the tables can hold."""
    for place, field in enumerate(batch.schema):
        if pyarrow.types.is_timestamp(field.type) and field.type.unit == "ns":
            whole = batch.column(place).cast(pyarrow.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(place, field.name, whole)
    return batch


_WANTED = {"csv": "a header of column names", "jsonl": "a JSON object a line"}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
