"""The verdicts of a rule on a case at all instants, as a few steps: what a query can look up without the rules."""

from msgspec import Struct

from schemas.working_time.calendar import Calendar
from streams.on_time.history import History
from streams.on_time.rules import Rule
from streams.on_time.verdicts import Standing, judge


class Step(Struct, frozen=True, gc=False):
    """How the case stands from an instant on, up to the next step.

    After `overdue_after` it is overdue although nothing happened; None where time alone changes nothing.
    """

    since: int
    standing: Standing
    overdue_after: int | None

    def standing_at(self, at: int) -> Standing:
        """How it stands at an instant of this step."""
        return "overdue" if self.overdue_after is not None and at > self.overdue_after else self.standing


def timeline(rule: Rule, history: History, calendar: Calendar) -> tuple[Step, ...]:
    """The steps in their order, the first one at the reception; none where the rule does not judge the case."""
    steps: list[Step] = []
    for at in _changes(history):
        verdict = judge(rule, history, at, calendar)
        if verdict is None:
            continue
        step = Step(at, verdict.standing, verdict.overdue_after)
        if not steps or (step.standing_at(at), step.overdue_after) != (
            steps[-1].standing_at(at),
            steps[-1].overdue_after,
        ):
            steps.append(step)
    return tuple(steps)


def _changes(history: History) -> list[int]:
    """The instants from the reception on at which something happened: between them, only a deadline can pass."""
    happened = [
        history.appointment.at if history.appointment else None,
        *(extension.appointment.at for extension in history.extensions),
        *(at for stop in history.stops for at in (stop.start, stop.end)),
        history.outcome_at,
        history.returned_at,
    ]
    return sorted({history.received_at, *(at for at in happened if at is not None and at > history.received_at)})
