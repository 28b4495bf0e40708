"""Reference data as the cells of a file: what `reading` reads again."""

from datetime import date
from typing import TypeAlias

from schemas.reference.agency import Agency
from schemas.reference.official import Official
from schemas.reference.procedure import FeeLine, ProcedureVersion
from schemas.reference.validity import FIRST_DAY, LAST_DAY, shown_validity
from schemas.working_time.day_rule import SAME_DAY_UNTIL, DayRule
from schemas.working_time.hours import WEEKDAYS, time_text

Record: TypeAlias = dict[str, str | int | list[str]]
"""Cells by their column: a JSON object of a file."""


def agency_record(agency: Agency) -> Record:
    """The cells of an agency."""
    return {
        "code": agency.code,
        "name_vi": agency.name_vi,
        "name_en": agency.name_en,
        "parent": agency.parent,
        "level": agency.level,
        "group": agency.group,
        "valid_from": _day(agency.valid_from),
        "valid_to": _day(agency.valid_to),
        "aliases": list(agency.aliases),
        "successors": list(agency.successors),
    }


def procedure_record(version: ProcedureVersion) -> Record:
    """The cells of a version of a procedure."""
    return {
        "code": version.code,
        "name_vi": version.name_vi,
        "name_en": version.name_en,
        "field": version.field,
        "level": list(version.levels),
        "service_level": version.service_level,
        "channel": version.channel,
        "term": "" if version.term is None else version.term,
        "unit": version.unit,
        "fee": [_fee(line) for line in version.fees],
        "electronic_result": "yes" if version.electronic_result else "no",
        "valid_from": _day(version.valid_from),
        "valid_to": _day(version.valid_to),
        "components_reusable": list(version.components_reusable),
    }


def official_record(official: Official, *, with_name: bool) -> Record:
    """The cells of an official; the name only where it is asked for."""
    cells: Record = {"code": official.code, "unit": official.unit}
    return cells | {"name": official.name or ""} if with_name else cells


def day_rule_record(rule: DayRule) -> Record:
    """The cells of a rule of a calendar."""
    is_open = rule.last == (LAST_DAY if rule.weekdays else rule.first)
    return {
        "from": rule.first.isoformat(),
        "to": "" if is_open else rule.last.isoformat(),
        "weekdays": [WEEKDAYS[day - 1] for day in rule.weekdays],
        "kind": rule.kind,
        "hours": list(map(str, rule.hours)),
        "agency": rule.agency,
        "applies_to": rule.applies_to,
        "same_day_until": "" if rule.same_day_until == SAME_DAY_UNTIL else time_text(rule.same_day_until),
        "name": rule.name,
        "source": rule.source,
    }


def cell(value: str | int | list[str]) -> str:
    """A value as one cell of text."""
    return "|".join(value) if isinstance(value, list) else str(value)


def _fee(line: FeeLine) -> str:
    days = shown_validity(line)
    amount = f"{line.name}={line.amount}" if line.name else str(line.amount)
    return f"{amount} {days}" if days else amount


def _day(day: date) -> str:
    return "" if day in (FIRST_DAY, LAST_DAY) else day.isoformat()
