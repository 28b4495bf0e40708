"""The kinds of reference data: the tables of each, its rows there, and how two loads of it differ."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args

from msgspec import Struct, structs

from schemas.reference.agency import Agency
from schemas.reference.agency_tree import placements
from schemas.reference.changes import Change, agency_changes, official_changes, procedure_changes
from schemas.reference.official import Official
from schemas.reference.procedure import FeeLine, ProcedureVersion
from schemas.tables import (
    AGENCIES,
    AGENCY_PLACEMENTS,
    CALENDAR_RULES,
    OFFICIAL_NAMES,
    OFFICIALS,
    PROCEDURES,
    Table,
)
from schemas.working_time.day_rule import DayRule
from schemas.working_time.hours import Hours
from schemas.working_time.rule_changes import calendar_changes

KindName: TypeAlias = Literal["agencies", "procedures", "officials", "calendar"]
KIND_NAMES: tuple[KindName, ...] = get_args(KindName)
T = TypeVar("T", Agency, ProcedureVersion, Official, DayRule)
Row: TypeAlias = tuple[Any, ...]
Derived: TypeAlias = tuple[Table, Callable[[Sequence[Any]], Iterable[Row]]]
"""A table, and the function that derives its rows from what was declared."""


class Kind(Struct, Generic[T], frozen=True):
    """A kind of reference data: each field of `type` is a column of `table`, but for the names of officials.

    `derived` are other tables, whose rows follow from what was declared. `dictionaries` are what others look it up in.
    Rows have the columns of their table without the first one, which is the load.
    """

    name: KindName
    type: type[T]
    table: Table
    changes: Callable[[Iterable[T], Iterable[T]], list[Change]]
    derived: tuple[Derived, ...] = ()
    dictionaries: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables that hold rows of its loads."""
        return self.table, *(table for table, _ in self.derived)

    @property
    def has_codes(self) -> bool:
        """Whether what is declared has codes, which events may name."""
        return "code" in self.table.columns

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its table that have what was declared."""
        return tuple(self.table.columns)[1:]

    def rows(self, content: Sequence[T]) -> list[tuple[Table, list[Row]]]:
        """The rows of each table for a load with this content."""
        declared = [tuple(_value(getattr(each, column)) for column in self.columns) for each in content]
        return [(self.table, declared), *((table, list(derive(content))) for table, derive in self.derived)]

    def from_row(self, row: Sequence[Any]) -> T:
        """What was declared by this row."""
        return self.type(**{column: _field(column, value) for column, value in zip(self.columns, row, strict=True)})


def _value(field: Any) -> Any:
    """A field as ClickHouse's driver takes it."""
    if isinstance(field, tuple):
        return [structs.astuple(each) if isinstance(each, FeeLine) else each for each in field]
    return field


def _field(column: str, value: Any) -> Any:
    if column == "fees":
        return tuple(FeeLine(*line) for line in value)
    if column == "hours":
        return tuple(Hours(*stretch) for stretch in value)
    return tuple(value) if isinstance(value, list) else value


KINDS: dict[KindName, Kind[Any]] = {
    "agencies": Kind(
        "agencies",
        Agency,
        AGENCIES,
        agency_changes,
        ((AGENCY_PLACEMENTS, lambda agencies: map(structs.astuple, placements(agencies))),),
        ("agency_places", "agency_labels"),
    ),
    "procedures": Kind(
        "procedures",
        ProcedureVersion,
        PROCEDURES,
        procedure_changes,
        dictionaries=("procedure_versions", "procedure_labels"),
    ),
    "officials": Kind(
        "officials",
        Official,
        OFFICIALS,
        official_changes,
        ((OFFICIAL_NAMES, lambda officials: ((each.code, each.name) for each in officials if each.name)),),
    ),
    "calendar": Kind("calendar", DayRule, CALENDAR_RULES, calendar_changes),
}
