"""The verdicts on a case as facts keep them: the steps of each rule, and none of a plain case, which SQL can judge."""

from datetime import UTC, datetime
from typing import TypeAlias, get_args

from schemas.instant import to_micros
from streams.counting.case_history import ruled_history
from streams.counting.registers import Registers
from streams.on_time.plain_case import Standings, is_plain
from streams.on_time.ruling import Ruling
from streams.on_time.timeline import timeline
from streams.on_time.verdicts import Standing, judge

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
_AFTER_ALL = 1 << 62


def steps_of(registers: Registers, ruling: Ruling) -> Steps:
    """The steps of a case by this ruling; none while it is not received, or void."""
    found = ruled_history(registers, ruling)
    if found is None:
        return NO_STEPS
    history, calendar = found
    computed = None if history.appointment or history.extensions else history.computed
    if is_plain(history):
        return computed, (), (), (), ()
    steps = [
        (number, step.since, _NUMBERS[step.standing], NEVER if step.overdue_after is None else step.overdue_after)
        for number, rule in enumerate(ruling.rules_for(history.received_at, calendar), 1)
        for step in timeline(rule, history, calendar)
    ]
    rules, sinces, standings, untils = zip(*steps, strict=True)
    return computed, rules, sinces, standings, untils


def final_standings(registers: Registers, ruling: Ruling) -> Standings:
    """How an ended dossier stands by each rule, as now known: after everything that happened to it."""
    found = ruled_history(registers, ruling)
    if found is None:
        return ()
    history, calendar = found
    verdicts = [judge(rule, history, _AFTER_ALL, calendar) for rule in ruling.rules_for(history.received_at, calendar)]
    return tuple([verdict.standing for verdict in verdicts if verdict])
