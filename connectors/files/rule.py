"""The rule by which a row becomes events: a pure function of the row, the mapping and the time of the export."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

import msgspec
from msgspec import Struct

from connectors.files.mapping import Column, EventMapping, Mapping, base_type, field_types
from connectors.files.rows import Row
from connectors.files.values import Cell, Clock, Value, is_empty, plain, to_bool, to_instant, to_text, to_whole
from schemas.envelope import FUTURE_TOLERANCE
from schemas.events import KINDS, Event
from schemas.instant import to_micros


class Unfit(Struct, frozen=True):
    """Why a row gives nothing: the column that is to blame, what it holds, and what is wrong with it."""

    column: str
    value: str
    reason: str


class Rule:
    """`events_of` is the rule; building it prepares what all rows share.

    `told_at` is when the source said all this, unless a column says so row by row; `now` is held against the times in
    the file, which must not lie in the future. Both are aware.
    """

    def __init__(self, mapping: Mapping, told_at: datetime, now: datetime) -> None:
        self._source = mapping.source
        self._told_at = told_at.astimezone(UTC)
        self._horizon = now + FUTURE_TOLERANCE
        self._dossier = _Reading(mapping.dossier, to_text)
        recorded = mapping.recorded_at
        self._recorded = _Reading(recorded, _instant(mapping, recorded)) if recorded else None
        self._events = [_EventRule(mapping, event) for event in mapping.events]

    def events_of(self, row: Row) -> list[Event] | Unfit:
        """The events of this row, none where it holds nothing that the mapping waits for; or why the row does not fit.

        A row fits as a whole or not at all. An event's id is made of source, dossier, kind, key and content: it is the
        same in any order of rows and in any file, and another as soon as the content is.
        """
        try:
            dossier = self._dossier.must(row)
            recorded = (self._recorded.of(row) if self._recorded else None) or self._told_at
            return [made for rule in self._events if (made := self._event(rule, row, dossier, recorded)) is not None]
        except _NotFitting as error:
            return error.unfit

    def _event(self, rule: "_EventRule", row: Row, dossier: Value, recorded: Value) -> Event | None:
        found = rule.content(row)
        if found is None:
            return None
        occurred, content = found
        for reading, at in ((rule.occurred, occurred), (self._recorded, recorded)):
            if reading and isinstance(at, datetime) and at > self._horizon:
                raise _NotFitting(reading.column, row.cells.get(reading.column), "lies in the future")
        event = {
            "id": _identity(self._source, dossier, rule.kind, rule.key(row), occurred, content),
            "dossier": dossier,
            "source": self._source,
            "occurred_at": occurred,
            "recorded_at": recorded,
            "seq": rule.seq(row, occurred),
            **content,
        }
        try:
            return msgspec.convert(event, rule.struct)
        except msgspec.ValidationError as error:
            raise self._blame(rule, row, str(error)) from error

    def _blame(self, rule: "_EventRule", row: Row, message: str) -> "_NotFitting":
        match = _PATH.search(message) or _OWN.search(message)
        field = match["field"] if match else ""
        reading = {
            "dossier": self._dossier,
            "recorded_at": self._recorded,
            "occurred_at": rule.occurred,
            "seq": rule.order,
            **rule.readings,
        }.get(field)
        column = reading.column if reading else ""
        return _NotFitting(column, row.cells.get(column), f"does not fit {rule.kind}: {_PATH.sub('', message)}")


class _NotFitting(Exception):
    def __init__(self, column: str, cell: Cell, reason: str) -> None:
        super().__init__(reason)
        self.unfit = Unfit(column, "" if cell is None else str(cell), reason)


_Convert: TypeAlias = Callable[[Cell], Value]
_PATH = re.compile(r" - at `\$\.(?P<field>\w+)`$")
_OWN = re.compile(r"^(?P<field>\w+) = ")


class _Reading:
    """How one column is read."""

    def __init__(self, told: Column, convert: _Convert) -> None:
        self.column = told.column
        self._told = told
        self._empty = frozenset(told.empty)
        self._convert = convert

    def of(self, row: Row) -> Value | None:
        """The value, or the default where nothing is given."""
        cell = row.cells.get(self.column)
        if is_empty(cell) or (self._empty and plain(cell) in self._empty):
            return self._told.default
        values = self._told.values
        if values is not None:
            text = plain(cell)
            if text not in values:
                raise _NotFitting(self.column, cell, f"is not one of {', '.join(values)}")
            return values[text]
        try:
            return self._convert(cell)
        except ValueError as error:
            raise _NotFitting(self.column, cell, str(error)) from error

    def must(self, row: Row) -> Value:
        """The value, where the row is nothing without it."""
        value = self.of(row)
        if value is None:
            raise _NotFitting(self.column, row.cells.get(self.column), "is empty")
        return value


class _EventRule:
    """One event mapping made ready: which columns are read, and into which types."""

    def __init__(self, mapping: Mapping, told: EventMapping) -> None:
        self.kind = told.kind
        self.struct = KINDS[told.kind]
        self._told = told
        self.occurred = _Reading(told.occurred_at, _instant(mapping, told.occurred_at))
        types = field_types(told.kind)
        self.readings: dict[str, _Reading] = {}
        self._constants: dict[str, Value] = {}
        for name, source in told.fields.items():
            if isinstance(source, Column):
                self.readings[name] = _Reading(source, _converter(mapping, source, name, base_type(types[name])))
            else:
                self._constants[name] = source
        self._required = {field.name for field in msgspec.structs.fields(self.struct) if field.required}
        self.order = _Reading(told.seq, to_whole) if isinstance(told.seq, Column) else None

    def content(self, row: Row) -> tuple[datetime, dict[str, Value]] | None:
        """When it happened and the fields that are given; None where the row gives no such event."""
        when = self._told.when
        if when is not None and plain(row.cells.get(when.column)) not in when.one_of:
            return None
        occurred = self.occurred.must(row) if self._told.required else self.occurred.of(row)
        if not isinstance(occurred, datetime):
            return None
        content = dict(self._constants)
        for name, reading in self.readings.items():
            value = reading.must(row) if name in self._required else reading.of(row)
            if value is not None:
                content[name] = value
        return occurred, content

    def key(self, row: Row) -> list[str]:
        """What tells this event from others of its kind and content."""
        return [plain(row.cells.get(column)) for column in self._told.key]

    def seq(self, row: Row, occurred: datetime) -> Value:
        """The source's own order."""
        if self._told.seq == "occurred_at":
            return max(to_micros(occurred), 0)
        if self.order is not None:
            return self.order.of(row) or 0
        return self._told.seq  # type: ignore[return-value]  # what is no column and no word is a number


def _converter(mapping: Mapping, told: Column, name: str, into: type) -> _Convert:
    if into is datetime:
        return _instant(mapping, told, end_of_day=name == "term")
    return {int: to_whole, bool: to_bool}.get(into, to_text)


def _instant(mapping: Mapping, told: Column, *, end_of_day: bool = False) -> _Convert:
    return _reader(Clock(mapping.zone, told.formats or mapping.formats, end_of_day))


@lru_cache(maxsize=16)
def _reader(clock: Clock) -> _Convert:
    """Reads instants, and remembers the last ones: a row has one more than once, and rows of one dossier repeat it."""
    remembered = lru_cache(maxsize=1000)(lambda text: to_instant(text, clock))
    return lambda cell: remembered(cell) if isinstance(cell, str) else to_instant(cell, clock)


def _identity(
    source: str, dossier: Value, kind: str, key: list[str], occurred: datetime, content: dict[str, Value]
) -> str:
    said = [(name, to_micros(value) if isinstance(value, datetime) else value) for name, value in content.items()]
    said.sort()
    text = msgspec.json.encode([source, dossier, kind, key, to_micros(occurred), said])
    return blake2b(text, digest_size=16).hexdigest()
