"""The rule by which a row becomes events: a pure function of the row, the mapping and the time of the export."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

import msgspec
from msgspec import Struct

from connectors.files.cell_ids import not_shortened, to_id, to_integer_id
from connectors.files.cell_numbers import to_amount, to_whole
from connectors.files.cell_values import Cell, Clock, Value, is_empty, plain, to_bool, to_instant, to_text
from connectors.files.mapping import Column, EventMapping, Mapping, base_type, field_types
from connectors.files.row import Row
from schemas.envelope import FUTURE_TOLERANCE
from schemas.events import KINDS, Event
from schemas.instant import to_micros


class Unfit(Struct, frozen=True):
    """Why a row does not give `event`, or anything: the column to blame, what it holds, and what is wrong with it."""

    column: str
    value: str
    reason: str
    event: str = ""


class Made(Struct, frozen=True):
    """What a row gives: its events, each with the number of its mapping, and what of the row does not fit."""

    events: list[tuple[int, Event]]
    unfit: list[Unfit]


class Rule:
    """`events_of` is the rule; building it prepares what all rows share.

    `told_at` is when the source said all this, unless a column says so row by row; `now` is held against the times in
    the file, which must not lie in the future. Both are aware. `number` is that of the import: where the mapping gives
    no other order than that of time, it makes the later of two imports hold. Rows that an earlier import put aside keep
    its time and number, unless one `insists` on these.
    """

    def __init__(
        self, mapping: Mapping, told_at: datetime, now: datetime, number: int = 0, *, insists: bool = False
    ) -> None:
        self.mapping = mapping
        self._source = mapping.source
        self._told_at = told_at.astimezone(UTC)
        self._insists = insists
        self._horizon = now + FUTURE_TOLERANCE
        self._dossier = _Reading(mapping.dossier, _IDS[mapping.dossier.as_])
        self._has_own_order = any(event.seq not in (0, "occurred_at") for event in mapping.events)
        self._number = number
        recorded = mapping.recorded_at
        self._recorded = _Reading(recorded, _instant(mapping, recorded)) if recorded else None
        self._events = [_EventRule(mapping, event) for event in mapping.events]

    def events_of(self, row: Row) -> Made:
        """The events of this row, none where it holds nothing that the mapping waits for, and what does not fit.

        Each event fits by itself, and what is wrong with one spoils the others only where the mapping requires it. An
        event's id is made of source, dossier, kind, key and content: it is the same in any order of rows and in any
        file, and another as soon as the content is.
        """
        made = Made([], [])
        try:
            dossier = self._dossier.must(row)
            recorded = (self._recorded.of(row) if self._recorded else None) or self._told(row)
        except _NotFitting as error:
            return Made([], [error.unfit])
        for number, rule in enumerate(self._events):
            try:
                event = self._event(rule, row, dossier, recorded)
            except _NotFitting as error:
                unfit = msgspec.structs.replace(error.unfit, event=rule.kind)
                if rule.required:
                    return Made([], [unfit])
                _add(made.unfit, unfit)
            else:
                if event is not None:
                    made.events.append((number, event))
        return made

    def _told(self, row: Row) -> datetime:
        """When the source said this row: of one that an earlier import put aside, as it was then."""
        return row.origin.told_at if row.origin and not self._insists else self._told_at

    def _seq(self, order: Value, row: Row) -> Value:
        if self._has_own_order or not isinstance(order, int):
            # A source's own order holds whole: numbers among it would turn its records around.
            return order
        before = row.origin.number if row.origin and not self._insists else None
        # By time the order is one of microseconds, and moves by as many as there were imports.
        return order + (self._number if before is None else before)

    def _event(self, rule: "_EventRule", row: Row, dossier: Value, recorded: Value) -> Event | None:
        found = rule.content(row)
        if found is None:
            return None
        occurred, content = found
        for reading, at in ((rule.occurred, occurred), (self._recorded, recorded)):
            if reading and isinstance(at, datetime) and at > self._horizon:
                raise _NotFitting(reading.column, row.cells.get(reading.column), "lies in the future")
        event = {
            "id": _identity(self._source, dossier, rule.kind, rule.key_of(row), occurred, content),
            "dossier": dossier,
            "source": self._source,
            "occurred_at": occurred,
            "recorded_at": recorded,
            "seq": self._seq(rule.seq(row, occurred), row),
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


def _add(found: list[Unfit], unfit: Unfit) -> None:
    """Add what does not fit; a column that spoils several events is told once."""
    for place, told in enumerate(found):
        if (told.column, told.value, told.reason) == (unfit.column, unfit.value, unfit.reason):
            found[place] = msgspec.structs.replace(told, event=f"{told.event}, {unfit.event}")
            return
    found.append(unfit)


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
            if self._told.required:
                raise _NotFitting(self.column, cell, "is empty")
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
        self.required = told.required
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
        needed = {field.name for field in msgspec.structs.fields(self.struct) if field.required}
        self._needed = {name: reading for name, reading in self.readings.items() if name in needed}
        self._others = {name: reading for name, reading in self.readings.items() if name not in needed}
        self._keys = [_Reading(Column(column), not_shortened) for column in told.key]
        self.order = _Reading(told.seq, to_whole) if isinstance(told.seq, Column) else None

    def content(self, row: Row) -> tuple[datetime, dict[str, Value]] | None:
        """When it happened and the fields that are given; None where the row gives no such event.

        It gives none where something that the event cannot do without is empty, whatever the rest holds.
        """
        if not self._holds(row):
            return None
        content = dict(self._constants)
        for name, reading in self._needed.items():
            value = reading.must(row) if self.required else reading.of(row)
            if value is None:
                return None
            content[name] = value
        occurred = self.occurred.must(row) if self.required else self.occurred.of(row)
        if not isinstance(occurred, datetime):
            return None
        for name, reading in self._others.items():
            value = reading.of(row)
            if value is not None:
                content[name] = value
        return occurred, content

    def _holds(self, row: Row) -> bool:
        when = self._told.when
        if when is None:
            return True
        cell = row.cells.get(when.column)
        return not is_empty(cell) if when.not_empty else plain("" if cell is None else cell) in when.one_of

    def key_of(self, row: Row) -> list[str]:
        """What tells this event from others of its kind and content."""
        return [_key(reading, row) for reading in self._keys]

    def seq(self, row: Row, occurred: datetime) -> Value:
        """The source's own order."""
        if self._told.seq == "occurred_at":
            return max(to_micros(occurred), 0)
        if self.order is not None:
            return self.order.of(row) or 0
        return self._told.seq  # type: ignore[return-value]  # what is no column and no word is a number


def _key(reading: _Reading, row: Row) -> str:
    cell = row.cells.get(reading.column)
    return plain(cell) if is_empty(cell) else str(reading.of(row))


def _remembering(convert: _Convert) -> _Convert:
    """The same, remembering the last texts: a row has one more than once, and rows of one dossier repeat it."""
    remembered = lru_cache(maxsize=1000)(convert)
    return lambda cell: (remembered if isinstance(cell, str) and len(cell) < _REMEMBERED else convert)(cell)


_REMEMBERED = 200
"""Characters of a text that is remembered at most."""
_IDS: dict[str | None, _Convert] = {
    None: _remembering(to_id),
    "text": _remembering(to_text),
    "integer": _remembering(to_integer_id),
}
"""How ids are read, by what a column says of them."""
_FREE_TEXTS = frozenset({"step", "reason"})
"""Texts that identify nothing: any word may stand in them."""


def _converter(mapping: Mapping, told: Column, name: str, into: type) -> _Convert:
    if into is datetime:
        return _instant(mapping, told, end_of_day=name == "term")
    if name == "amount":
        return lambda cell: to_amount(cell, told.decimal, told.times or 1)
    if into is str:
        return to_text if name in _FREE_TEXTS and told.as_ is None else _IDS[told.as_]
    return to_whole if into is int else to_bool


def _instant(mapping: Mapping, told: Column, *, end_of_day: bool = False) -> _Convert:
    return _reader(Clock(mapping.zone, told.formats or mapping.formats, end_of_day, told.as_ == "day"))


@lru_cache(maxsize=16)
def _reader(clock: Clock) -> _Convert:
    return _remembering(lambda cell: to_instant(cell, clock))


def _identity(
    source: str, dossier: Value, kind: str, key: list[str], occurred: datetime, content: dict[str, Value]
) -> str:
    said = [(name, to_micros(value) if isinstance(value, datetime) else value) for name, value in content.items()]
    said.sort()
    text = msgspec.json.encode([source, dossier, kind, key, to_micros(occurred), said])
    return blake2b(text, digest_size=16).hexdigest()
