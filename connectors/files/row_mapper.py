"""Turns a row into events: a pure function of the row, the mapping, the time of the export and the import's number."""

import re
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from connectors.files.cell_values import Value
from connectors.files.column_reader import Reject, Rejected, dossier_reader, instant_reader
from connectors.files.event_ids import event_id
from connectors.files.event_mapper import EventMapper
from connectors.files.mapping import Mapping
from connectors.files.nested_columns import array_of, at_element
from connectors.files.row import Row
from schemas.envelope import FUTURE_TOLERANCE
from schemas.events import Event

_PATH = re.compile(r" - at `\$\.(?P<field>\w+)`$")
_NAMED_FIELD = re.compile(r"^(?P<field>\w+) = ")


class MappedRow(Struct, frozen=True):
    """What a row gives: its events, each with the number of its event mapping, and what of the row does not fit."""

    events: list[tuple[int, Event]]
    rejects: list[Reject]


class RowMapper:
    """`events_of` maps a row; the constructor prepares what all rows share.

    `as_of` is when the source exported the file; a `recorded_at` column takes precedence, row by row. `now` is the
    limit for times in the file, which must not lie in the future. Both are aware. `number` is the number of the import:
    where the mapping gives no order but that of time, the later of two imports holds because of it. Rows that an
    earlier import rejected keep their time and number, unless `ignores_origin`.
    """

    def __init__(
        self, mapping: Mapping, as_of: datetime, now: datetime, number: int = 0, *, ignores_origin: bool = False
    ) -> None:
        self.mapping = mapping
        self._source = mapping.source
        self._as_of = as_of.astimezone(UTC)
        self._ignores_origin = ignores_origin
        self._horizon = now + FUTURE_TOLERANCE
        self._dossier = dossier_reader(mapping.dossier)
        self._is_of_elements = any(
            array_of(column.column) for column in (mapping.dossier, mapping.recorded_at) if column is not None
        )
        self._has_own_order = any(event.seq not in (0, "occurred_at") for event in mapping.events)
        self._number = number
        self._recorded_at = instant_reader(mapping, mapping.recorded_at) if mapping.recorded_at else None
        self._mappers = [EventMapper(mapping, event) for event in mapping.events]

    def events_of(self, row: Row) -> MappedRow:
        """The events of this row, none where nothing in it matches the mapping, and what does not fit.

        A reject of one event leaves the others alone, unless the mapping requires that event. An event's id depends on
        source, dossier, kind, key and content only: it is the same in any file and any order of rows.
        """
        mapped = MappedRow([], [])
        try:
            whose = None if self._is_of_elements else self._whose(row)
        except Rejected as error:
            return MappedRow([], [error.reject])
        for number, mapper in enumerate(self._mappers):
            for one, numbers in mapper.rows_of(row):
                try:
                    dossier, recorded_at = whose or self._whose(one)
                    event = self._event(mapper, one, dossier, recorded_at)
                except Rejected as error:
                    column = at_element(error.reject.column, numbers)
                    reject = msgspec.structs.replace(error.reject, column=column, event=mapper.kind)
                    if mapper.required:
                        return MappedRow([], [reject])
                    _add(mapped.rejects, reject)
                else:
                    if event is not None:
                        mapped.events.append((number, event))
        return mapped

    def at(self, now: datetime) -> None:
        """From now on, this is the time that no time may be beyond."""
        self._horizon = now + FUTURE_TOLERANCE

    def _whose(self, row: Row) -> tuple[Value, Value]:
        """The dossier, and when the source recorded the row."""
        recorded_at = self._recorded_at.value(row) if self._recorded_at else None
        return self._dossier.required_value(row), recorded_at or self._as_of_row(row)

    def _as_of_row(self, row: Row) -> datetime:
        """When the source exported this row; a row that an earlier import rejected keeps the time it had then."""
        return row.origin.as_of if row.origin and not self._ignores_origin else self._as_of

    def _seq(self, order: Value, row: Row) -> Value:
        if self._has_own_order or not isinstance(order, int):
            # A source's own order is kept whole: adding numbers to a part of it would reorder its records.
            return order
        earlier = row.origin.number if row.origin and not self._ignores_origin else None
        # An order by time is in microseconds, and moves by as many as there were imports.
        return order + (self._number if earlier is None else earlier)

    def _event(self, mapper: EventMapper, row: Row, dossier: Value, recorded_at: Value) -> Event | None:
        found = mapper.content(row)
        if found is None:
            return None
        occurred_at, fields = found
        for reader, at in ((mapper.occurred_at, occurred_at), (self._recorded_at, recorded_at)):
            if reader and isinstance(at, datetime) and at > self._horizon:
                raise Rejected(reader.column, row.cells.get(reader.column), "lies in the future")
        event = {
            "id": event_id(self._source, dossier, mapper.kind, mapper.key(row), occurred_at, fields),
            "dossier": dossier,
            "source": self._source,
            "occurred_at": occurred_at,
            "recorded_at": recorded_at,
            "seq": self._seq(mapper.seq(row, occurred_at), row),
            **fields,
        }
        try:
            return msgspec.convert(event, mapper.struct)
        except msgspec.ValidationError as error:
            raise self._rejected(mapper, row, str(error)) from error

    def _rejected(self, mapper: EventMapper, row: Row, message: str) -> Rejected:
        """The validation error with the column that the invalid field came from."""
        match = _PATH.search(message) or _NAMED_FIELD.search(message)
        field = match["field"] if match else ""
        reader = {
            "dossier": self._dossier,
            "recorded_at": self._recorded_at,
            "occurred_at": mapper.occurred_at,
            "seq": mapper.seq_column,
            **mapper.fields,
        }.get(field)
        column = reader.column if reader else ""
        return Rejected(column, row.cells.get(column), f"does not fit {mapper.kind}: {_PATH.sub('', message)}")


def _add(rejects: list[Reject], reject: Reject) -> None:
    """Add a reject; a column that spoils several events is listed once, with all of them."""
    for place, known in enumerate(rejects):
        if (known.column, known.value, known.reason) == (reject.column, reject.value, reject.reason):
            rejects[place] = msgspec.structs.replace(known, event=f"{known.event}, {reject.event}")
            return
    rejects.append(reject)
