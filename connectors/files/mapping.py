"""Mappings: a TOML file that says which columns of a file are which fields of which events.

A mapping is checked as a whole before a row is read: unknown keys, kinds, fields, formats and values name the file and
the key. Columns that no mapping names are never looked at.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from connectors.errors import WrongMapping
from connectors.files.cell_numbers import Sign
from connectors.files.cell_values import ISO, check_formats
from connectors.files.look_up import LookUp, read_table
from connectors.files.nested_columns import array_of, path_of
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
    `decimal` and `times` say how amounts are written. `look_up` is `values` from a file. `without_prefix` takes the
    first of these beginnings that a text has off it, and `case` changes its letters, before it is looked up or read.
    `time_zone` replaces the mapping's.
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
    # What older mappings do not have is left out of their digests, by which an import is known again.
    look_up: LookUp | UnsetType = UNSET
    without_prefix: tuple[str, ...] | UnsetType = UNSET
    case: Literal["upper", "lower"] | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


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
        # An array may have no element.
        return {name: must and not array_of(name) for name, must in found.items()}

    def array(self, event: EventMapping) -> str:
        """The array for each of whose elements a row gives this event; empty where it gives one."""
        named = [column.column for column in (*_columns(event), self.recorded_at, self.dossier) if is_column(column)]
        named += [*event.key, *([event.when.column] if event.when else [])]
        return max(map(array_of, named), key=len)


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping with its look-ups; raises WrongMapping that names the file, the key and the value."""
    mapping = read_mapping(path)
    return _checked(mapping, str(path))


def read_mapping(path: Path) -> Mapping:
    """A mapping with its look-ups that has all keys as they must be, and whose meaning is not checked yet."""
    try:
        return _decoded(path.read_bytes(), str(path), path.parent)
    except OSError as error:
        raise WrongMapping(f"{path}: the mapping cannot be read: {error.strerror}") from error


def decode_mapping(text: bytes, name: str, folder: Path = Path()) -> Mapping:
    """The mapping of this TOML; raises WrongMapping that names `name`, the key and the value."""
    return _checked(_decoded(text, name, folder), name)


def _decoded(text: bytes, name: str, folder: Path) -> Mapping:
    try:
        mapping = msgspec.convert(nfc_tree(msgspec.toml.decode(truncated(text))), Mapping)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WrongMapping(f"{name}: {error}{_SEE}") from error
    return _with_tables(mapping, folder)


def _checked(mapping: Mapping, name: str) -> Mapping:
    for fault in faults(mapping):
        raise WrongMapping(f"{name}: {fault}{_SEE}")
    return mapping


_SEE = "; see docs/integrator.md, “Mapping a file”"


def _with_tables(mapping: Mapping, folder: Path) -> Mapping:
    """The mapping with the tables of its look-ups as `values`."""

    def filled(source: Any) -> Any:
        if not isinstance(source, Column) or source.look_up is UNSET:
            return source
        if source.values is not None:
            raise WrongMapping(f"the column {source.column!r} has both `values` and `look_up`: give one of them")
        return replace(source, values=read_table(source.look_up, folder))

    events = tuple(
        replace(event, fields={name: filled(source) for name, source in event.fields.items()})
        for event in mapping.events
    )
    return replace(mapping, dossier=filled(mapping.dossier), events=events)


def is_column(source: object) -> TypeGuard[Column]:
    """Whether a field comes from a column, rather than being a constant."""
    return isinstance(source, Column)


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


def faults(mapping: Mapping) -> Iterator[str]:
    """What is wrong with a mapping, whatever the rows are."""
    for check in _checks(mapping):
        try:
            check()
        except ValueError as error:
            yield str(error)


def _checks(mapping: Mapping) -> Iterator[Callable[[], None]]:
    yield partial(_check_zone, "time_zone", mapping.time_zone)
    yield partial(_check_as_of, mapping.as_of)
    yield partial(check_encoding, mapping.encoding)
    yield partial(_check_formats, "formats", mapping.formats)
    yield partial(_check_id, "dossier", mapping.dossier)
    yield partial(_check_as, "dossier", mapping.dossier, str)
    yield partial(_check_plain, "recorded_at", mapping.recorded_at)
    yield partial(_check_as, "recorded_at", mapping.recorded_at, datetime)
    for number, event in enumerate(mapping.events, 1):
        at = f"events[{number}]"
        if event.kind not in KINDS:
            yield partial(_fail, f"{at}: kind = {event.kind!r} is not one of {', '.join(KINDS)}")
            continue
        yield from _checks_of_event(f"{at} ({event.kind})", event)
        yield partial(_check_arrays, f"{at} ({event.kind})", mapping, event)


def _fail(fault: str) -> None:
    raise ValueError(fault)


def _check_as_of(as_of: datetime | None) -> None:
    if as_of is not None and as_of.tzinfo is None:
        raise ValueError(f"as_of = {as_of.isoformat()} has no offset: write it like 2012-02-01T00:00:00+01:00")


def _check_zone(at: str, name: str | UnsetType) -> None:
    if name is UNSET:
        return
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{at} = {name!r} is not a zone of the IANA time zone database") from error


def _checks_of_event(at: str, event: EventMapping) -> Iterator[Callable[[], None]]:
    types = field_types(event.kind)
    required = {field.name for field in msgspec.structs.fields(KINDS[event.kind]) if field.required} & types.keys()
    for name in event.fields:
        if name not in types:
            yield partial(_fail, f"{at}: {name!r} is no field of this kind; it has {', '.join(types) or 'none'}")
    for name in sorted(required - event.fields.keys()):
        yield partial(_fail, f"{at}: the field {name!r} is missing, this kind cannot do without it")
    yield partial(_check_plain, f"{at}: occurred_at", event.occurred_at)
    yield partial(_check_as, f"{at}: occurred_at", event.occurred_at, datetime)
    yield partial(_check_plain, f"{at}: seq", event.seq)
    yield partial(_check_as, f"{at}: seq", event.seq, int)
    for name, source in event.fields.items():
        if name in types:
            yield partial(_check_field, f"{at}: {name}", source, types[name], is_amount=name == "amount")


def _check_field(at: str, source: Column | Constant, hint: Any, *, is_amount: bool) -> None:
    _check_column(at, source)
    _check_as(at, source, base_type(hint), is_amount=is_amount)
    if base_type(hint) is datetime:
        _check_plain(at, source)
    constants = [*(source.values or {}).values(), source.default] if isinstance(source, Column) else [source]
    for constant in dict.fromkeys(constants):
        if constant is not None:
            _check_constant(at, constant, hint)


def _check_arrays(at: str, mapping: Mapping, event: EventMapping) -> None:
    """All arrays of an event lie within each other: it has no meaning for each pair of elements of two."""
    innermost = mapping.array(event)
    sources = (*_columns(event), mapping.recorded_at, mapping.dossier)
    columns = [*(each.column for each in sources if isinstance(each, Column)), *event.key]
    for column in (*columns, *([event.when.column] if event.when else [])):
        if not innermost.startswith(array_of(column)):
            raise ValueError(f"{at}: {column!r} and {innermost!r} are of two arrays: give an event for each")


def _check_constant(at: str, constant: Constant, hint: Any) -> None:
    try:
        msgspec.convert(constant, hint)
        if hint == OfficialCode:
            check_official(str(constant))
    except ValueError as error:  # msgspec's own are, too
        raise ValueError(f"{at} = {constant!r} does not fit: {error}") from error


def _check_id(at: str, source: Column) -> None:
    """An id may be looked up in a table of codes, but never be made up."""
    if source.default is not None or (source.values is not None and source.look_up is UNSET):
        raise ValueError(f"{at}: takes a column as it is, without `values` and `default`")
    _check_column(at, source)


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
    if into is not str and (source.case, source.without_prefix) != (UNSET, UNSET) and source.values is None:
        raise ValueError(f"{at}: `case` and `without_prefix` are for texts, codes and ids, not for {_CALLED[into]}")
    if into is not datetime and source.time_zone is not UNSET:
        raise ValueError(f"{at}: `time_zone` is for times")
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
        _check_zone(f"{at}.time_zone", source.time_zone)
        if source.column.startswith("$") and not path_of(source.column):
            raise ValueError(f"{at}: {source.column!r} is no path such as $.items[*].code")


def _check_formats(at: str, formats: tuple[str, ...]) -> None:
    try:
        check_formats(formats)
    except ValueError as error:
        raise ValueError(f"{at}: {error}") from error
