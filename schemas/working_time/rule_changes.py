"""What a load of day rules would change, in words."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeAlias

from schemas.reference.changes import Change
from schemas.reference.findings import quoted
from schemas.reference.validity import LAST_DAY
from schemas.working_time.day_rule import SAME_DAY_UNTIL, DayRule
from schemas.working_time.hours import WEEKDAYS, time_text

_Key: TypeAlias = tuple[date, str, str, tuple[int, ...]]


def calendar_changes(before: Iterable[DayRule], after: Iterable[DayRule]) -> list[Change]:
    """The changes of a calendar, by the day from which each rule holds."""
    old, new = _by_key(before), _by_key(after)
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [Change(_named(key), *_said(old.get(key, ()), new.get(key, ()))) for key in keys]


def _by_key(rules: Iterable[DayRule]) -> dict[_Key, list[DayRule]]:
    """The rules by their first day, whom and what they are for, and their weekdays; the order of a file is none."""
    found: dict[_Key, list[DayRule]] = {}
    for rule in sorted(rules, key=repr):
        found.setdefault((rule.first, rule.agency, rule.applies_to, rule.weekdays), []).append(rule)
    return found


def _named(key: _Key) -> str:
    first, agency, applies_to, weekdays = key
    days = f"{'|'.join(WEEKDAYS[day - 1] for day in weekdays)} from {first}" if weekdays else f"{first}"
    parts = [days, f"of {agency}" if agency else "", "" if applies_to == "both" else f"for {applies_to}"]
    return " ".join(filter(None, parts))


def _said(old: Sequence[DayRule], new: Sequence[DayRule]) -> tuple[str, str]:
    before, after = (" and ".join(map(_described, rules)) for rules in (old, new))
    if not old:
        return "added", f"added: {after}"
    if not new:
        return "removed", f"removed: {before}"
    return "changed", f"changed from {before} to {after}"


def _described(rule: DayRule) -> str:
    """What the rule says of its days."""
    ends = rule.last != (LAST_DAY if rule.weekdays else rule.first)
    parts = [
        rule.kind,
        "|".join(map(str, rule.hours)),
        f"until {rule.last}" if ends else "",
        "" if rule.same_day_until == SAME_DAY_UNTIL else f"same day until {time_text(rule.same_day_until)}",
        quoted(rule.name) if rule.name else "",
        f"({quoted(rule.source)})" if rule.source else "",
    ]
    return " ".join(filter(None, parts))
