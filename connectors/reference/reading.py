"""Reads files of reference data and of calendars: everything that is wrong in them is found, or everything is read."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from connectors.errors import UnreadableFile, WrongReferenceData
from connectors.reference.cells import is_blank, listed, to_code, to_day, to_name, to_term, word
from connectors.reference.columns import (
    AGENCY_COLUMNS,
    DAY_RULE_COLUMNS,
    OFFICIAL_COLUMNS,
    PROCEDURE_COLUMNS,
    Columns,
)
from connectors.reference.day_cells import to_hours_of_day, to_minute_of_day
from connectors.reference.fees import to_fee
from connectors.reference.fields import Fields
from connectors.reference.tables import open_table, positions
from connectors.reference.words import (
    APPLIES_TO,
    CHANNEL,
    DAY_KIND,
    LEVEL,
    SERVICE_LEVEL,
    UNIT,
    WEEKDAY,
    YES_OR_NO,
)
from schemas.reference.agency import Agency
from schemas.reference.agency_checks import agency_flaws
from schemas.reference.agency_tree import resolved
from schemas.reference.findings import Finding, Flaw
from schemas.reference.official import Official
from schemas.reference.official_checks import official_flaws
from schemas.reference.procedure import ProcedureVersion
from schemas.reference.procedure_checks import procedure_flaws
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from schemas.working_time.day_rule import SAME_DAY_UNTIL, DayRule
from schemas.working_time.rule_checks import rule_flaws

R = TypeVar("R")
_JUDGED = frozenset({"valid_from", "valid_to", "channel", "term", "unit", "from", "to", "weekdays", "kind", "hours"})
_PERSONAL = frozenset({"name"})


def read_agencies(paths: Sequence[Path]) -> list[Agency]:
    """The agencies of some files, as one load; raises WrongReferenceData, or UnreadableFile if one is missing."""
    return resolved(_read(paths, AGENCY_COLUMNS, _agency, agency_flaws))


def read_procedures(paths: Sequence[Path]) -> list[ProcedureVersion]:
    """The procedures of some files, as one load; raises WrongReferenceData, or UnreadableFile if one is missing."""
    return _read(paths, PROCEDURE_COLUMNS, _procedure, procedure_flaws)


def read_officials(paths: Sequence[Path]) -> list[Official]:
    """The officials of some files, as one load; raises WrongReferenceData, or UnreadableFile if one is missing."""
    return _read(paths, OFFICIAL_COLUMNS, _official, official_flaws, _PERSONAL)


def read_day_rules(paths: Sequence[Path]) -> list[DayRule]:
    """The rules of some files of a calendar, in the order in which they begin: where two hold, the later one wins.

    Raises WrongReferenceData, or UnreadableFile if a file is missing.
    """
    return sorted(_read(paths, DAY_RULE_COLUMNS, _day_rule, rule_flaws), key=lambda rule: rule.first)


def _read(
    paths: Sequence[Path],
    columns: Columns,
    build: Callable[[Fields], R],
    check: Callable[[Sequence[R]], list[Flaw]],
    private: frozenset[str] = frozenset(),
) -> list[R]:
    findings: list[Finding] = []
    values: dict[tuple[str, str], Any] = {}
    read: list[tuple[Fields, R]] = []
    for path in paths:
        # An unreadable file ends it all: without its rows, other files would seem to name unknown codes.
        table = open_table(path, lambda header: columns.column(header) is not None)
        named, wrong = positions(table, columns)
        found = [
            Fields(row, table.headers, named, values, private)
            for row in table.rows
            if not all(map(is_blank, row.cells.values()))
        ]
        if not found and not table.findings:
            raise UnreadableFile(f"{path}: it has no rows below its header")
        built = [(fields, build(fields)) for fields in found]
        findings += [*wrong, *table.findings, *(finding for fields in found for finding in fields.findings)]
        # A row without its code, or its day, is a finding already.
        key = columns.required[0]
        read += [(fields, row) for fields, row in built if key in named and key not in fields.wrong]
    findings += _checked(read, check)
    if findings:
        order = [str(path) for path in paths]
        raise WrongReferenceData(sorted(findings, key=lambda finding: (order.index(finding.file), finding.line)))
    return [row for _, row in read]


def _checked(read: Sequence[tuple[Fields, R]], check: Callable[[Sequence[R]], list[Flaw]]) -> Iterator[Finding]:
    """What is wrong between rows; nothing that would only follow from a cell that could not be read."""
    for flaw in check([row for _, row in read]):
        fields = read[flaw.row][0]
        other = None if flaw.other is None else read[flaw.other][0]
        if not any(_JUDGED & read[row][0].wrong for row in flaw.read):
            wrong = f"{flaw.wrong} ({other.place})" if other else flaw.wrong
            yield fields.finding(flaw.column, flaw.value, wrong)


def _agency(fields: Fields) -> Agency:
    return Agency(
        code=fields.required("code", to_code, ""),
        name_vi=fields.required("name_vi", to_name, ""),
        name_en=fields.take("name_en", to_name, ""),
        parent=fields.take("parent", to_code, ""),
        level=fields.required("level", word(LEVEL), "branch"),
        group=fields.take("group", to_name, ""),
        valid_from=fields.take("valid_from", to_day, FIRST_DAY),
        valid_to=fields.take("valid_to", to_day, LAST_DAY),
        aliases=fields.take("aliases", listed(to_code), ()),
        successors=fields.take("successors", listed(to_code), ()),
    )


def _procedure(fields: Fields) -> ProcedureVersion:
    return ProcedureVersion(
        code=fields.required("code", to_code, ""),
        name_vi=fields.required("name_vi", to_name, ""),
        name_en=fields.take("name_en", to_name, ""),
        field=fields.take("field", to_name, ""),
        levels=fields.required("level", listed(word(LEVEL)), ()),
        service_level=fields.required("service_level", word(SERVICE_LEVEL), "information"),
        channel=fields.take("channel", word(CHANNEL), ""),
        term=fields.take("term", to_term, None),
        unit=fields.take("unit", word(UNIT), ""),
        fees=fields.take("fee", listed(to_fee), ()),
        electronic_result=fields.take("electronic_result", word(YES_OR_NO), False),
        components_reusable=fields.take("components_reusable", listed(to_name), ()),
        valid_from=fields.take("valid_from", to_day, FIRST_DAY),
        valid_to=fields.take("valid_to", to_day, LAST_DAY),
    )


def _official(fields: Fields) -> Official:
    return Official(
        code=fields.required("code", to_code, ""),
        unit=fields.required("unit", to_code, ""),
        name=fields.take("name", to_name, ""),
    )


def _day_rule(fields: Fields) -> DayRule:
    first = fields.required("from", to_day, FIRST_DAY)
    weekdays = fields.take("weekdays", listed(word(WEEKDAY)), ())
    return DayRule(
        first=first,
        # A schedule holds until another one; a rule about days is about one day.
        last=fields.take("to", to_day, LAST_DAY if weekdays else first),
        weekdays=tuple(sorted(set(weekdays))),
        kind=fields.required("kind", word(DAY_KIND), "off"),
        hours=fields.take("hours", to_hours_of_day, ()),
        agency=fields.take("agency", to_code, ""),
        applies_to=fields.take("applies_to", word(APPLIES_TO), "both"),
        same_day_until=fields.take("same_day_until", to_minute_of_day, SAME_DAY_UNTIL),
        name=fields.take("name", to_name, ""),
        source=fields.take("source", to_name, ""),
    )
