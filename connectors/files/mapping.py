"""Mappings: a TOML file that says which columns of a file are which fields of which events.

A mapping is checked as a whole before a row is read: unknown keys, kinds, fields, formats and values name the file and
the key. Columns that no mapping names are never looked at.
"""

from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from connectors.errors import WrongMapping
from connectors.files.cell_numbers import Sign
from connectors.files.cell_values import ISO, check_formats
from schemas.events import KINDS, PAYLOAD_FIELDS
from schemas.instant import truncated
from schemas.nfc import nfc_tree
from schemas.official_code import OfficialCode, check_official

Format = Literal["csv", "jsonl", "json", "parquet", "xlsx", "xes"]
FORMATS: tuple[str, ...] = get_args(Format)
Constant = str | int | bool


class Column(Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """A column and how it is read.

    `empty` lists texts that mean "not given", `default` is what then holds. `values` maps what the column holds to what
    the field takes; with it, any other content rejects the event. `formats` replaces the mapping's for this column. An
    `optional` column need not be in the file, a `required` one rejects the event where it is empty. `as` says that
    times are days, that ids are taken as the text they are, or that they are integers which were saved as floats.
    `decimal` and `times` say how amounts are written.
    """

    column: str
    values: dict[str, str | int | bool] | None = None
    empty: tuple[str, ...] = ()
    default: Constant | None = None
    formats: tuple[str, ...] | None = None
    optional: bool = False
    required: bool = False
    as_: Literal["day", "text", "integer"] | None = None
    decimal: Sign | None = None
    times: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """A row gives the event only where `column` holds one of these texts, or anything at all with `not_empty`."""

    column: str
    one_of: tuple[str, ...] = ()
    not_empty: bool = False

    def __post_init__(self) -> None:
        if bool(self.one_of) == self.not_empty:
            raise ValueError("a condition has either one_of = [...] or not_empty = true")


class EventMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """One event that a row may give: it does where `when` holds and what it cannot do without is not empty.

    `fields` are the kind's own, each a column or a constant. `key` names columns that tell two events of one kind and
    content apart, as the source's id of a step does. `seq` is a column, a number, or "occurred_at": its microseconds,
    so that within one export the latest wins. A row that does not give a `required` event gives none.
    """

    kind: str
    occurred_at: Column
    fields: dict[str, Column | str | int | bool] = {}
    key: tuple[str, ...] = ()
    seq: Column | int | Literal["occurred_at"] = 0
    when: Condition | None = None
    required: bool = False


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """How the rows of one source's files become events.

    Times without an offset are of `time_zone`. The record time is `recorded_at`, a column, or else `as_of`, the instant
    of the export. `encoding`, `skip_lines` before the header and `skip_footer` rows at the end are those of
    text and sheets; `rows` names the array of a JSON document that holds the rows, `sheet` the sheet of a workbook.
    """

    source: Annotated[str, Meta(min_length=1, max_length=100)]
    time_zone: str
    dossier: Column
    events: Annotated[tuple[EventMapping, ...], Meta(min_length=1)]
    formats: tuple[str, ...] = (ISO,)
    recorded_at: Column | None = None
    as_of: datetime | None = None
    format: Format | None = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    skip_lines: Annotated[int, Meta(ge=0, le=10_000)] = 0
    skip_footer: Annotated[int, Meta(ge=0, le=1_000)] = 0
    sheet: str | None = None
    rows: str | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)

    @property
    def columns(self) -> dict[str, bool]:
        """Every column that is read, with whether it must be in the file."""
        found: dict[str, bool] = {}
        for column in [self.dossier, self.recorded_at, *(c for event in self.events for c in _columns(event))]:
            if isinstance(column, Column):
                found[column.column] = found.get(column.column, False) or not column.optional
        for event in self.events:
            found |= dict.fromkeys([*event.key, *([event.when.column] if event.when else [])], True)
        return found


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping; raises WrongMapping that names the file, the key and the value."""
    try:
        return decode_mapping(path.read_bytes(), str(path))
    except OSError as error:
        raise WrongMapping(f"{path}: the mapping cannot be read: {error.strerror}") from error


def decode_mapping(text: bytes, name: str) -> Mapping:
    """The mapping of this TOML; raises WrongMapping that names `name`, the key and the value."""
    try:
        mapping = msgspec.convert(nfc_tree(msgspec.toml.decode(truncated(text))), Mapping)
        _check(mapping)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WrongMapping(f"{name}: {error}; see docs/integrator.md, “Mapping a file”") from error
    return mapping


def field_types(kind: str) -> dict[str, Any]:
    """The types of a kind's own fields, without None: what constants and cells must become."""
    hints = get_type_hints(KINDS[kind], include_extras=True)
    return {name: _given(hints[name]) for name in PAYLOAD_FIELDS[kind]}


def base_type(hint: Any) -> type:
    """The plain type behind constraints: str, int, bool or datetime."""
    if get_origin(hint) is Annotated:
        return base_type(get_args(hint)[0])
    return str if get_origin(hint) is Literal else hint


def _given(hint: Any) -> Any:
    if isinstance(hint, UnionType) or type(None) in get_args(hint):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _columns(event: EventMapping) -> list[object]:
    return [event.occurred_at, event.seq, *event.fields.values()]


def _check(mapping: Mapping) -> None:
    try:
        ZoneInfo(mapping.time_zone)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"time_zone = {mapping.time_zone!r} is not a zone of the IANA time zone database") from error
    if mapping.as_of is not None and mapping.as_of.tzinfo is None:
        raise ValueError(f"as_of = {mapping.as_of.isoformat()} has no offset: write it like 2012-02-01T00:00:00+01:00")
    check_encoding(mapping.encoding)
    _check_formats("formats", mapping.formats)
    _check_plain("dossier", mapping.dossier)
    _check_as("dossier", mapping.dossier, str)
    _check_plain("recorded_at", mapping.recorded_at)
    _check_as("recorded_at", mapping.recorded_at, datetime)
    for number, event in enumerate(mapping.events, 1):
        _check_event(f"events[{number}]", event)


def _check_event(at: str, event: EventMapping) -> None:
    if event.kind not in KINDS:
        raise ValueError(f"{at}: kind = {event.kind!r} is not one of {', '.join(KINDS)}")
    at = f"{at} ({event.kind})"
    types = field_types(event.kind)
    required = {field.name for field in msgspec.structs.fields(KINDS[event.kind]) if field.required} & types.keys()
    for name in event.fields:
        if name not in types:
            raise ValueError(f"{at}: {name!r} is no field of this kind; it has {', '.join(types) or 'none'}")
    for name in sorted(required - event.fields.keys()):
        raise ValueError(f"{at}: the field {name!r} is missing, this kind cannot do without it")
    _check_plain(f"{at}: occurred_at", event.occurred_at)
    _check_as(f"{at}: occurred_at", event.occurred_at, datetime)
    _check_plain(f"{at}: seq", event.seq)
    _check_as(f"{at}: seq", event.seq, int)
    for name, source in event.fields.items():
        _check_column(f"{at}: {name}", source)
        _check_as(f"{at}: {name}", source, base_type(types[name]), is_amount=name == "amount")
        if base_type(types[name]) is datetime:
            _check_plain(f"{at}: {name}", source)
        constants = [*(source.values or {}).values(), source.default] if isinstance(source, Column) else [source]
        for constant in constants:
            if constant is not None:
                _check_constant(f"{at}: {name}", constant, types[name])


def _check_constant(at: str, constant: Constant, hint: Any) -> None:
    try:
        msgspec.convert(constant, hint)
        if hint == OfficialCode:
            check_official(str(constant))
    except ValueError as error:  # msgspec's own are, too
        raise ValueError(f"{at} = {constant!r} does not fit: {error}") from error


def _check_plain(at: str, source: object) -> None:
    """Times, ids and orders must come from the row."""
    if isinstance(source, Column) and (source.values is not None or source.default is not None):
        raise ValueError(f"{at}: takes a column as it is, without `values` and `default`")
    if isinstance(source, str | bool) and source != "occurred_at":
        raise ValueError(f"{at} = {source!r} must be a column")
    _check_column(at, source)


def _check_as(at: str, source: object, into: type, *, is_amount: bool = False) -> None:
    """Reject options that do not apply to the type of the column: they would be ignored silently."""
    if not isinstance(source, Column):
        return
    if source.as_ is not None and source.as_ not in {datetime: ("day",), str: ("text", "integer")}.get(into, ()):
        raise ValueError(
            f"{at}: as = {source.as_!r} is not for {_CALLED[into]}: days are times, text and integer are ids"
        )
    if not is_amount and (source.decimal, source.times) != (None, None):
        raise ValueError(f"{at}: `decimal` and `times` are for amounts")


_CALLED = {str: "texts", int: "numbers", bool: "yes or no", datetime: "times"}


def check_encoding(encoding: str) -> None:
    """Raise ValueError for an encoding that is none of text."""
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as error:
        raise ValueError(f"encoding = {encoding!r} is not known: utf-8, cp1258, cp1252 and utf-16 are") from error


def _check_column(at: str, source: object) -> None:
    if isinstance(source, Column):
        _check_formats(f"{at}.formats", source.formats or ())


def _check_formats(at: str, formats: tuple[str, ...]) -> None:
    try:
        check_formats(formats)
    except ValueError as error:
        raise ValueError(f"{at}: {error}") from error
