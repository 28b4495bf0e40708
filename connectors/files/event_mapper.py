"""One event mapping, ready to use: which columns a row's event is read from, and into which types."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from connectors.files.cell_ids import not_shortened
from connectors.files.cell_numbers import to_whole
from connectors.files.cell_values import Value, is_empty, plain
from connectors.files.column_reader import ColumnReader, field_reader, instant_reader
from connectors.files.mapping import Column, EventMapping, Mapping, base_type, field_types
from connectors.files.row import Row
from schemas.events import KINDS
from schemas.instant import to_micros


class EventMapper:
    """Reads one kind of event from rows; raises Rejected where a value does not fit."""

    def __init__(self, mapping: Mapping, mapped: EventMapping) -> None:
        self.kind = mapped.kind
        self.struct = KINDS[mapped.kind]
        self.required = mapped.required
        self.array = mapping.array(mapped)
        self._mapped = mapped
        self.occurred_at = instant_reader(mapping, mapped.occurred_at)
        types = field_types(mapped.kind)
        self.fields: dict[str, ColumnReader] = {}
        self._constants: dict[str, Value] = {}
        for name, source in mapped.fields.items():
            if isinstance(source, Column):
                self.fields[name] = field_reader(mapping, source, name, base_type(types[name]))
            else:
                self._constants[name] = source
        required = {field.name for field in msgspec.structs.fields(self.struct) if field.required}
        self._required = {name: reader for name, reader in self.fields.items() if name in required}
        self._optional = {name: reader for name, reader in self.fields.items() if name not in required}
        self._keys = [ColumnReader(Column(column), not_shortened) for column in mapped.key]
        self.seq_column = ColumnReader(mapped.seq, to_whole) if isinstance(mapped.seq, Column) else None

    def rows_of(self, row: Row) -> Iterable[tuple[Row, tuple[int, ...]]]:
        """The rows that each may give this event: the row itself, or one for each element of an array in it.

        With the numbers of the element.
        """
        if not self.array:
            return ((row, ()),)
        elements = row.within.get(self.array, ())
        return [(replace(row, cells={**row.cells, **each.cells}, within={}), each.numbers) for each in elements]

    def content(self, row: Row) -> tuple[datetime, dict[str, Value]] | None:
        """When the event occurred, and its fields; None where the row gives no such event.

        It gives none where a required field is empty, whatever the other fields hold.
        """
        if not self._applies_to(row):
            return None
        fields = dict(self._constants)
        for name, reader in self._required.items():
            value = reader.required_value(row) if self.required else reader.value(row)
            if value is None:
                return None
            fields[name] = value
        occurred_at = self.occurred_at.required_value(row) if self.required else self.occurred_at.value(row)
        if not isinstance(occurred_at, datetime):
            return None
        for name, reader in self._optional.items():
            value = reader.value(row)
            if value is not None:
                fields[name] = value
        return occurred_at, fields

    def key(self, row: Row) -> list[str]:
        """The values that tell this event from others of its kind and content."""
        return [_key_value(reader, row) for reader in self._keys]

    def seq(self, row: Row, occurred_at: datetime) -> Value:
        """The source's own order of its records."""
        if self._mapped.seq == "occurred_at":
            return max(to_micros(occurred_at), 0)
        if self.seq_column is not None:
            return self.seq_column.value(row) or 0
        return self._mapped.seq  # type: ignore[return-value]  # neither a column nor "occurred_at", so it is a number

    def _applies_to(self, row: Row) -> bool:
        when = self._mapped.when
        if when is None:
            return True
        cell = row.cells.get(when.column)
        return not is_empty(cell) if when.not_empty else plain("" if cell is None else cell) in when.one_of


def _key_value(reader: ColumnReader, row: Row) -> str:
    cell = row.cells.get(reader.column)
    return plain(cell) if is_empty(cell) else str(reader.value(row))
