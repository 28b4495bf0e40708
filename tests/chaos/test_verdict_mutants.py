"""The simulation has teeth for verdicts, too: each rule of terms and of counting by them, left out, is found out."""

import pytest

from chaos.simulation.schedule import schedule_of
from chaos.simulation.worker import Code
from chaos.simulation.world import play
from tests.chaos.mutants import JUDGING, without

SEEDS = [seed for log in range(125) if log % 7 in (0, 1) for seed in range(8 * log, 8 * log + 8)]
"""Those whose logs are about terms."""


def wrong_by(*changes: tuple[str, str]) -> str:
    """What is wrong first where the rule is left out; empty where no seed shows it."""
    code = Code(counting=without(JUDGING, *changes).Counting)
    return next((played.wrong[0] for seed in SEEDS if (played := play(schedule_of(seed), code)).wrong), "")


STOPPED = "if found and begin <= found[-1][1]:"
PASSED = "            if start > deadline:\n                break\n            steps.append"
MOVED = "        and (not numbered or MOVING.isdisjoint(numbered))\n"
PLAIN = "    if history.stops or history.extensions:\n        return False\n"
JUDGED = "        sums.is_moved\n        or (returned"
MEMO = "        self.judged = None\n        if self._sums"
CALENDAR = "ruling.calendar_of(assignment[5][0] if assignment else agency)"
ASSIGNED = '    "assigned": EVERYTHING,\n'
STOPS = "_STOP = _parts((_outcome,))"
PROMISE = 'ruling.promise_of(procedure or "", channel, received_at)'
RULES = "ruling.rules_for(history.received_at, calendar)"
RECEPTION = "            if start < received_at and (end is None or end <= received_at):\n                continue\n"


@pytest.mark.parametrize(
    ("rule", "instead"),
    [
        pytest.param(STOPPED, "if False:", id="overlapping stops count twice"),
        pytest.param(PASSED, "            steps.append", id="a stop moves a term that has passed"),
        pytest.param(RECEPTION, "", id="what stopped before the reception is not over with it"),
        pytest.param(MOVED, "", id="cases with stops or extensions are taken for plain"),
        pytest.param(PLAIN, "", id="stops and extensions leave a case plain"),
        pytest.param(JUDGED, "        (returned", id="counters of a case with stops are those of a plain one"),
        pytest.param(
            MEMO, "        if self._sums", id="verdicts are kept although a later event of the batch changes them"
        ),
        pytest.param(CALENDAR, "ruling.calendar_of(agency)", id="the calendar stays that of the receiving agency"),
        pytest.param(ASSIGNED, '    "assigned": _parts((_reception,)),\n', id="verdicts stay behind where a case goes"),
        pytest.param(STOPS, "_STOP: PartsByReception = {}", id="stops told after the end change no counter"),
        pytest.param(PROMISE, PROMISE.replace("channel", '"online"'), id="every channel has the promise of one"),
        pytest.param(RULES, RULES.replace("received_at", "received_at + 86_400_000_000"), id="rules of the next day"),
    ],
)
def test_a_rule_left_out_is_found_out(rule: str, instead: str) -> None:
    assert "should be" in wrong_by((rule, instead))
