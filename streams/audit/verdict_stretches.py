"""How a case stands over time, as stretches of instants: by its columns, and by the rules, which must say the same.

Columns are read as views read them: by the steps of each rule, or where there are none by the term and the end alone.
The rules are asked one by one for their timelines, so that what counting saves – plain cases, and rules that share
their work – is not taken for granted here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from schemas.instant import from_micros, to_micros
from schemas.rule_names import RULE_NAMES
from streams.counting.case_history import ruled_history
from streams.counting.registers import Registers
from streams.on_time.ruling import Ruling
from streams.on_time.timeline import timeline

Stretches: TypeAlias = list[tuple[int, str]]
"""Since when, and how the case stands from then on; neighbours differ."""

_BY_766, _FORM = 2, 3
_STANDINGS = ("", "early", "on time", "late", "in term", "overdue")
_NEVER = to_micros(datetime.fromisoformat("2299-12-31T00:00:00+00:00"))


class Columns(NamedTuple):
    """The columns of a case on which its verdicts depend; instants are microseconds."""

    case_kind: str
    voided: bool
    received_at: int | None
    term: int | None
    outcome: str
    outcome_at: int | None
    term_computed: int | None
    verdict_rule: Sequence[int]
    verdict_since: Sequence[int]
    verdict_standing: Sequence[int]
    verdict_until: Sequence[int]


def wrong_stretches(row: Columns, registers: Registers, ruling: Ruling, zone: ZoneInfo) -> tuple[str, str] | None:
    """What the columns say by the first rule with which they disagree, and what they should; None if there is none."""
    for name, is_, should in zip(RULE_NAMES, by_columns(row, zone), by_rules(registers, ruling), strict=True):
        if is_ != should:
            return _text(name, is_), _text(name, should)
    return None


def by_rules(registers: Registers, ruling: Ruling) -> list[Stretches]:
    """The stretches by each rule, as the timelines of its rule say; empty where a rule says nothing."""
    found = ruled_history(registers, ruling)
    if found is None:
        return [[] for _ in RULE_NAMES]
    history, calendar = found
    return [
        _stretches((step.since, step.standing, step.overdue_after) for step in timeline(rule, history, calendar))
        for rule in ruling.rules_for(history.received_at, calendar)
    ]


def by_columns(row: Columns, zone: ZoneInfo) -> list[Stretches]:
    """The stretches by each rule, as the columns say."""
    if row.received_at is None or row.voided or not row.case_kind:
        return [[] for _ in RULE_NAMES]
    if row.verdict_rule:
        return [_stretches(_steps(row, number)) for number in range(1, len(RULE_NAMES) + 1)]
    return list(_plain(row, zone))


def _steps(row: Columns, number: int) -> Iterator[tuple[int, str, int | None]]:
    columns = row.verdict_rule, row.verdict_since, row.verdict_standing, row.verdict_until
    for rule, since, standing, until in zip(*columns, strict=True):
        if rule == number:
            yield since, _STANDINGS[standing], None if until >= _NEVER else until


def _plain(row: Columns, zone: ZoneInfo) -> Iterator[Stretches]:
    """By instants the term is the last moment in time; by dates its local day is."""
    received, ended = row.received_at or 0, row.outcome_at
    term = row.term_computed if row.term is None else row.term
    begin, after = _midnights(term, zone) if term is not None else (None, None)
    begun = max(received, ended) if ended is not None else None
    deadlines = (term, after, after, after)
    of_dossier = row.case_kind == "dossier"
    for number, deadline in enumerate(deadlines):
        if number in (_BY_766, _FORM) and not of_dossier:
            yield []
            continue
        steps: list[tuple[int, str, int | None]] = []
        if begun is None or begun > received:
            steps.append((received, "in term", deadline))
        if begun is not None:
            standing = "on time" if deadline is None or (ended or 0) <= deadline else "late"
            if number == _FORM and row.outcome != "resolved":
                standing = "on time"
            elif number == _FORM and begin is not None and (ended or 0) < begin:
                standing = "early"
            steps.append((begun, standing, None))
        yield _stretches(steps)


def _stretches(steps: Iterable[tuple[int, str, int | None]]) -> Stretches:
    """Steps, each with the last instant at which it holds of itself, after which the case is overdue."""
    found: Stretches = []

    def put(since: int, standing: str) -> None:
        if not found or found[-1][1] != standing:
            found.append((since, standing))

    turn: int | None = None
    for since, standing, until in steps:
        if turn is not None and turn < since:
            put(turn, "overdue")
        turn = None if until is None else until + 1
        if turn is not None and turn <= since:
            standing, turn = "overdue", None
        put(since, standing)
    if turn is not None:
        put(turn, "overdue")
    return found


@lru_cache(1)
def _days(zone: ZoneInfo) -> list[int]:
    """When the local days of a hundred years begin."""
    first = date(1999, 12, 31).toordinal()
    days = (date.fromordinal(first + number) for number in range(36_900))
    return [to_micros(datetime(day.year, day.month, day.day, tzinfo=zone)) for day in days]


def _midnights(at: int, zone: ZoneInfo) -> tuple[int, int]:
    """When the local day of an instant begins, and its last microsecond."""
    days = _days(zone)
    place = bisect_right(days, at)
    return days[place - 1], days[place] - 1


def _text(rule: str, stretches: Stretches) -> str:
    told = ", ".join(f"{standing} from {from_micros(since).isoformat()}" for since, standing in stretches)
    return f"by {rule}: {told or 'nothing'}"
