"""The verdicts on a case as facts keep them: the steps of each rule, and none of a plain case, which SQL can judge."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias, get_args

from schemas.instant import to_micros
from streams.counting.case_history import ruled_history
from streams.counting.registers import Registers
from streams.on_time.plain_case import Standings, is_plain
from streams.on_time.ruling import Ruling
from streams.on_time.timelines import timelines
from streams.on_time.verdicts import Standing

Instants: TypeAlias = tuple[int, ...]
Steps: TypeAlias = tuple[int | None, Instants, Instants, Instants, Instants]
"""The term that the procedure promises where the source sent none; of each step rule, begin, standing and last instant.

Rules are numbers from 1 on, in the order of RULE_NAMES; standings are numbers from 1 on, in the order of STANDINGS.
"""

STANDINGS: tuple[Standing, ...] = get_args(Standing)
NEVER = to_micros(datetime(2299, 12, 31, tzinfo=UTC))
"""The last instant of a step that time alone does not end."""
NO_STEPS: Steps = (None, (), (), (), ())
_NUMBERS = {standing: number for number, standing in enumerate(STANDINGS, 1)}


def steps_of(registers: Registers, ruling: Ruling) -> Steps:
    """The steps of a case by this ruling; none while it is not received, or void."""
    found = ruled_history(registers, ruling)
    if found is None:
        return NO_STEPS
    history, calendar = found
    computed = None if history.appointment or history.extensions else history.computed
    if is_plain(history):
        return computed, (), (), (), ()
    rules = ruling.rules_for(history.received_at, calendar)
    steps = [
        (number, step.since, _NUMBERS[step.standing], NEVER if step.overdue_after is None else step.overdue_after)
        for number, of_rule in enumerate(timelines(rules, history, calendar), 1)
        for step in of_rule
    ]
    of_rules, sinces, standings, untils = zip(*steps, strict=True)
    return computed, of_rules, sinces, standings, untils


def last_standings(rules: Sequence[int], standings: Sequence[int]) -> Standings:
    """How a case stands at last by each rule that judges it: its last steps; none where it has no steps."""
    last = dict(zip(rules, standings, strict=True))
    return tuple([STANDINGS[last[rule] - 1] for rule in sorted(last)])
