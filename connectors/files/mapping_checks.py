"""What is wrong with a mapping, whatever the rows are: unknown kinds, fields, formats and values, each by its key."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from connectors.files.cell_values import check_formats
from connectors.files.mapping import Column, Constant, EventMapping, Mapping, base_type, field_types, sources_of
from connectors.files.nested_columns import array_of, path_of
from schemas.events import KINDS
from schemas.official_code import OfficialCode, check_official


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
    sources = (*sources_of(event), mapping.recorded_at, mapping.dossier)
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
