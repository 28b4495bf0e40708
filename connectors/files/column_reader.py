"""Reads one mapped column of a row into the type of the field that it fills."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct

from connectors.files.cell_ids import to_id, to_integer_id
from connectors.files.cell_numbers import to_amount, to_whole
from connectors.files.cell_values import Cell, Clock, Value, is_empty, plain, to_bool, to_instant, to_text
from connectors.files.mapping import Column, Mapping
from connectors.files.row import Row

Convert: TypeAlias = Callable[[Cell], Value]
"""Turns a cell into a value; raises ValueError with the reason why it cannot."""

_CACHED_TEXT = 200
"""Longest text, in characters, whose value is cached."""


class Reject(Struct, frozen=True):
    """Why a row does not give `event`, or any event: the column, its value, and the reason."""

    column: str
    value: str
    reason: str
    event: str = ""


class Rejected(Exception):
    """A value of a row does not fit; `reject` says which and why."""

    def __init__(self, column: str, cell: Cell, reason: str) -> None:
        super().__init__(reason)
        self.reject = Reject(column, "" if cell is None else str(cell), reason)


class ColumnReader:
    """Reads the cells of one column as its mapping says; raises Rejected where a cell does not fit."""

    def __init__(self, mapped: Column, convert: Convert) -> None:
        self.column = mapped.column
        self._mapped = mapped
        self._empty = frozenset(mapped.empty)
        self._convert = convert
        self._prefixes = mapped.without_prefix or ()
        self._letters = mapped.case or None
        self._is_changed = bool(self._prefixes or self._letters)

    def value(self, row: Row) -> Value | None:
        """The value, or the default where the cell is empty."""
        cell = row.cells.get(self.column)
        if is_empty(cell) or (self._empty and plain(cell) in self._empty):
            if self._mapped.required:
                raise Rejected(self.column, cell, "is empty")
            return self._mapped.default
        if self._is_changed:
            cell = self._changed(cell)
        values = self._mapped.values
        if values is not None:
            text = plain(cell)
            if text not in values:
                raise Rejected(self.column, cell, self._unknown(values))
            return values[text]
        try:
            return self._convert(cell)
        except ValueError as error:
            raise Rejected(self.column, cell, str(error)) from error

    def _changed(self, cell: Cell) -> Cell:
        """The text of a cell without its prefix, in the case that the mapping names; other cells as they are."""
        if not isinstance(cell, str):
            return cell
        text = plain(cell)
        text = text.removeprefix(next((prefix for prefix in self._prefixes if text.startswith(prefix)), ""))
        return text.upper() if self._letters == "upper" else text.lower() if self._letters == "lower" else text

    def _unknown(self, values: Iterable[str]) -> str:
        look_up = self._mapped.look_up
        if look_up is not UNSET:
            return f"is not in the column {look_up.key!r} of {look_up.file}"
        return f"is not one of {', '.join(values)}"

    def required_value(self, row: Row) -> Value:
        """The value; an empty cell without a default is rejected."""
        value = self.value(row)
        if value is None:
            raise Rejected(self.column, row.cells.get(self.column), "is empty")
        return value


def dossier_reader(mapped: Column) -> ColumnReader:
    """Reads the ids of dossiers."""
    return ColumnReader(mapped, _IDS[mapped.as_])


def instant_reader(mapping: Mapping, mapped: Column) -> ColumnReader:
    """Reads instants, in the formats of the column or else of the mapping."""
    return ColumnReader(mapped, _to_instant(mapping, mapped))


def field_reader(mapping: Mapping, mapped: Column, field: str, kind: type) -> ColumnReader:
    """Reads the field of an event, which is of this type."""
    return ColumnReader(mapped, _converter(mapping, mapped, field, kind))


def _cached(convert: Convert) -> Convert:
    """The same conversion with a cache of recent texts: the rows of one dossier repeat them."""
    cached = lru_cache(maxsize=1000)(convert)
    return lambda cell: (cached if isinstance(cell, str) and len(cell) < _CACHED_TEXT else convert)(cell)


_IDS: dict[str | None, Convert] = {
    None: _cached(to_id),
    "text": _cached(to_text),
    "integer": _cached(to_integer_id),
}
"""How ids are read, by the column's `as`."""
_FREE_TEXTS = frozenset({"step", "reason"})
"""Texts that identify nothing: any word may stand in them."""


def _converter(mapping: Mapping, mapped: Column, field: str, kind: type) -> Convert:
    if kind is datetime:
        return _to_instant(mapping, mapped, end_of_day=field == "term")
    if field == "amount":
        return lambda cell: to_amount(cell, mapped.decimal, mapped.times or 1)
    if kind is str:
        return to_text if field in _FREE_TEXTS and mapped.as_ is None else _IDS[mapped.as_]
    return to_whole if kind is int else to_bool


def _to_instant(mapping: Mapping, mapped: Column, *, end_of_day: bool = False) -> Convert:
    zone = mapping.zone if mapped.time_zone is UNSET else ZoneInfo(mapped.time_zone)
    return _clock_reader(Clock(zone, mapped.formats or mapping.formats, end_of_day, mapped.as_ == "day"))


@lru_cache(maxsize=16)
def _clock_reader(clock: Clock) -> Convert:
    return _cached(lambda cell: to_instant(cell, clock))
