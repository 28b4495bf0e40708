"""Parquet: typed columns, of which only the mapped ones are read."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

import pyarrow
import pyarrow.parquet

from connectors.errors import UnreadableFile
from connectors.files.json_reader import row_of
from connectors.files.mapping import Mapping
from connectors.files.nested_columns import Paths, nfc_keys, path_of
from connectors.files.row import AnyRow, check_columns
from schemas.nfc import nfc

_BATCH = 5000


def parquet_rows(file: str, stream: IO[bytes], mapping: Mapping, stack: ExitStack) -> Iterator[AnyRow]:
    """The rows; raises UnreadableFile where the file is not Parquet, WrongMapping where a column is missing."""
    try:
        parquet = stack.enter_context(pyarrow.parquet.ParquetFile(stream))
    except (pyarrow.ArrowException, OSError) as error:
        raise UnreadableFile(f"{file}: is not a Parquet file: {_one_line(error)}") from error
    names = {nfc(name): name for name in parquet.schema_arrow.names}
    wanted = {name: name if name in names else str(path_of(name)[0]) for name in mapping.columns if _top(name, names)}
    check_columns(file, mapping.columns, [*(set(names) - set(wanted.values())), *wanted])
    return _rows(file, parquet, Paths(mapping.columns), sorted({names[top] for top in wanted.values()}))


def _top(name: str, names: dict[str, str]) -> bool:
    return name in names or (bool(path := path_of(name)) and path[0] in names)


def _rows(file: str, parquet: Any, paths: Paths, names: list[str]) -> Iterator[AnyRow]:
    number = 0
    try:
        for batch in parquet.iter_batches(batch_size=_BATCH, columns=names):
            for found in _in_microseconds(batch).to_pylist():
                number += 1
                text = json.dumps(found, ensure_ascii=False, default=str)
                yield row_of(paths, nfc_keys(found), number, text)
    except (pyarrow.ArrowException, OSError) as error:
        raise UnreadableFile(f"{file}: is damaged after row {number}: {_one_line(error)}") from error


def _in_microseconds(batch: Any) -> Any:
    """The batch with nanoseconds truncated: neither datetime nor the tables can hold them."""
    for place, field in enumerate(batch.schema):
        coarser = _coarser(field.type)
        if coarser != field.type:
            batch = batch.set_column(place, field.name, batch.column(place).cast(coarser, safe=False))
    return batch


def _coarser(kind: Any) -> Any:
    """The type with microseconds instead of nanoseconds, also inside structs and lists."""
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns":
        return pyarrow.timestamp("us", kind.tz)
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([field.with_type(_coarser(field.type)) for field in kind])
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(kind.value_field.with_type(_coarser(kind.value_type)))
    return kind


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
