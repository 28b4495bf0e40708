"""What is wrong with day rules, in themselves and beside each other."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TypeAlias

from schemas.reference.findings import Flaw
from schemas.reference.validity import ONE_DAY
from schemas.working_time.calendar import FIRST_DAY, LAST_DAY
from schemas.working_time.day_rule import DayRule

MAX_DAYS = 366
"""Days that a rule about days may cover: more are a schedule, or a slip of the pen."""
_Key: TypeAlias = tuple[str, str, date, int]


def rule_flaws(rules: Sequence[DayRule]) -> list[Flaw]:
    """Everything that is wrong with these rules, which are numbered from 0."""
    flaws = [flaw for row, rule in enumerate(rules) for flaw in _flaws(row, rule)]
    held: dict[_Key, int] = {}
    for row, rule in enumerate(rules):
        for key in _keys(rule):
            other = held.setdefault(key, row)
            if _means(rules[other]) != _means(rule):
                flaws.append(
                    Flaw(row, "from", f"{key[2]}", "is given another meaning by another row", other, (row, other))
                )
                break
    return flaws


def _flaws(row: int, rule: DayRule) -> Iterator[Flaw]:
    days = (rule.last - rule.first).days + 1
    if days < 1:
        yield Flaw(row, "to", f"{rule.last}", f"is before {rule.first}", read=(row,))
    if not rule.weekdays:
        if not FIRST_DAY <= rule.first <= LAST_DAY:
            yield Flaw(row, "from", f"{rule.first}", f"is not between {FIRST_DAY} and {LAST_DAY}", read=(row,))
        if days > MAX_DAYS:
            yield Flaw(
                row,
                "to",
                f"{rule.last}",
                f"makes {days} days, at most {MAX_DAYS} are read: name the weekdays",
                read=(row,),
            )
        elif rule.kind != "off" and days > 1:
            weekend = next((day for day in map(rule.first.__add__, _days(days)) if day.isoweekday() > 5), None)
            if weekend:
                wrong = f"covers {weekend:%A} {weekend}: name the weekdays, or give each day a row"
                yield Flaw(row, "to", f"{rule.last}", wrong, read=(row,))
    elif rule.kind != "off" and not rule.hours:
        yield Flaw(row, "hours", "", "is empty: a schedule needs hours", read=(row,))
    if rule.kind == "off" and rule.hours:
        yield Flaw(row, "hours", "|".join(map(str, rule.hours)), "is given for a day off", read=(row,))


def _keys(rule: DayRule) -> Iterator[_Key]:
    """What only one rule can decide: a day, or a weekday of the schedules that begin on a day."""
    if rule.weekdays:
        for weekday in rule.weekdays:
            yield rule.agency, rule.applies_to, rule.first, weekday
    else:
        days = min((rule.last - rule.first).days + 1, MAX_DAYS)
        for day in map(rule.first.__add__, _days(days)):
            yield rule.agency, rule.applies_to, day, 0


def _days(number: int) -> Iterator[timedelta]:
    return (ONE_DAY * after for after in range(number))


def _means(rule: DayRule) -> tuple[object, ...]:
    return rule.kind, rule.hours, rule.same_day_until, rule.last if rule.weekdays else None
