"""Mappings: what a TOML file says about which columns of a file are which fields of which events.

Columns that no mapping names are never looked at.
"""

from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from connectors.files.cell_numbers import Sign
from connectors.files.cell_values import ISO
from connectors.files.look_up import LookUp
from connectors.files.nested_columns import array_of
from schemas.events import KINDS, PAYLOAD_FIELDS

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
        for column in [self.dossier, self.recorded_at, *(c for event in self.events for c in sources_of(event))]:
            if isinstance(column, Column):
                found[column.column] = found.get(column.column, False) or not column.optional
        for event in self.events:
            found |= dict.fromkeys([*event.key, *([event.when.column] if event.when else [])], True)
        # An array may have no element.
        return {name: must and not array_of(name) for name, must in found.items()}

    def array(self, event: EventMapping) -> str:
        """The array for each of whose elements a row gives this event; empty where it gives one."""
        named = [column.column for column in (*sources_of(event), self.recorded_at, self.dossier) if is_column(column)]
        named += [*event.key, *([event.when.column] if event.when else [])]
        return max(map(array_of, named), key=len)


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


def sources_of(event: EventMapping) -> list[object]:
    """What the fields of an event come from, and its time and order."""
    return [event.occurred_at, event.seq, *event.fields.values()]
