"""What is wrong with day rules, in themselves and beside each other."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from schemas.reference.findings import Flaw
from schemas.reference.validity import ONE_DAY
from schemas.working_time.calendar import FIRST_DAY, LAST_DAY
from schemas.working_time.day_rule import DayRule

MAX_DAYS = 366
"""Days that a rule about days may cover: more are a schedule, or a slip of the pen."""


def rule_flaws(rules: Sequence[DayRule]) -> list[Flaw]:
    """Everything that is wrong with these rules, which are numbered from 0."""
    flaws = [flaw for row, rule in enumerate(rules) for flaw in _flaws(row, rule)]
    pairs = [*_contradicting_schedules(rules), *_contradicting_days(rules)]
    return flaws + [
        Flaw(row, "from", f"{rules[row].first}", "is given another meaning by another row", other, (row, other))
        for row, other in pairs
    ]


def _contradicting_schedules(rules: Sequence[DayRule]) -> Iterator[tuple[int, int]]:
    """Schedules that begin on one day and give a weekday two meanings. One that begins later is no contradiction."""
    begun: dict[tuple[str, str, date, int], int] = {}
    for row, rule in enumerate(rules):
        others = [begun.setdefault((rule.agency, rule.applies_to, rule.first, day), row) for day in rule.weekdays]
        yield from [(row, other) for other in others if _meaning(rules[other]) != _meaning(rule)][:1]


def _contradicting_days(rules: Sequence[DayRule]) -> Iterator[tuple[int, int]]:
    """Rules about days that overlap and differ: each with the one that began before it and ends last."""
    rows = sorted((row for row, rule in enumerate(rules) if not rule.weekdays), key=lambda row: rules[row].first)
    ends: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        rule = rules[row]
        # Of all rules so far, the one that ends last, and of those with another meaning than it, the same.
        last = ends.setdefault((rule.agency, rule.applies_to), [])
        other = next((each for each in last if _meaning(rules[each]) != _meaning(rule)), None)
        if other is not None and rules[other].last >= rule.first:
            yield row, other
        ranked = sorted([*last, row], key=lambda each: rules[each].last, reverse=True)
        last[:] = [*ranked[:1], *[each for each in ranked if _meaning(rules[each]) != _meaning(rules[ranked[0]])][:1]]


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


def _days(number: int) -> Iterator[timedelta]:
    return (ONE_DAY * after for after in range(number))


def _meaning(rule: DayRule) -> tuple[object, ...]:
    return rule.kind, rule.hours, rule.same_day_until, rule.last if rule.weekdays else None
