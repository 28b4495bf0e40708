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
from schemas.working_time.day_rule import DayRule
from schemas.working_time.hours import WEEKDAYS, in_order, to_hours, to_minute

FILES = tuple(Path(__file__).with_name(name) for name in ("office_hours.csv", "holidays.csv", "announced.csv"))
"""From the general to what wins over it. Their columns are those of the files of a site, in their simplest form."""
ANNOUNCED_UNTIL = 2026
"""The last year whose swaps and days around Tết are known; later ones are what the law says without them."""
_LISTED = ("weekdays", "hours")


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
            listed = {column: text.split("|") for column, text in row.items() if text and column in _LISTED}
            single = {column: text for column, text in row.items() if text and column not in _LISTED}
            first = single.pop("from")
            given: dict[str, object] = {"first": first, **single}
            if "weekdays" in listed:
                given["weekdays"] = tuple(WEEKDAYS.index(name) + 1 for name in listed["weekdays"])
            else:
                given["last"] = first
            if "hours" in listed:
                given["hours"] = in_order(map(to_hours, listed["hours"]))
            if "same_day_until" in single:
                given["same_day_until"] = to_minute(single["same_day_until"])
            yield msgspec.convert(given, DayRule)
