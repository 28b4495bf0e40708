"""The rules that every calendar begins with: office hours, the holidays of the law, and what was announced besides.

They are tables that people can read, each row with its source. `holidays.csv` is generated (`python -m
tests.holiday_table`): the package that knows the holidays takes a second to import, and what terms are counted by must
not change with its version unseen.
"""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from schemas.working_time.calendar import Calendar, Calendars
from schemas.working_time.day_rule import DayRule, Hours

FILES = tuple(Path(__file__).with_name(name) for name in ("office_hours.csv", "holidays.csv", "announced.csv"))
"""From the general to what wins over it. Their columns are those of the files of a site, in their simplest form."""


def built_in_rules() -> tuple[DayRule, ...]:
    """All rules of the built-in tables."""
    return tuple(rule for file in FILES for rule in _rules(file))


@cache
def built_in_calendar() -> Calendar:
    """The calendar of an agency of which nothing particular is known."""
    return Calendars(built_in_rules()).of()


def _rules(file: Path) -> Iterator[DayRule]:
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            filled = {column: text for column, text in row.items() if text}
            first = filled.pop("from")
            given: dict[str, object] = {"first": first, **filled}
            # A row about days themselves is about one day; a schedule holds until another one.
            if last := filled.pop("to", "" if "weekdays" in filled else first):
                given = {**given, "last": last}
            given.pop("to", None)
            yield msgspec.convert(
                given
                | {"weekdays": tuple(map(int, filled.get("weekdays", "").split("|"))) if "weekdays" in filled else ()}
                | {"hours": tuple(map(_hours, filled.get("hours", "").split("|"))) if "hours" in filled else ()}
                | ({"same_day_until": _minute(filled["same_day_until"])} if "same_day_until" in filled else {}),
                DayRule,
            )


def _hours(text: str) -> Hours:
    opens, closes = text.split("-")
    return Hours(_minute(opens), _minute(closes))


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
