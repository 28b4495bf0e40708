"""A case in a period: whether it belongs to it, came over from the period before, and how it stands at its end."""

from msgspec import Struct

from schemas.working_time.calendar import Calendar
from streams.on_time.history import History
from streams.on_time.rules import Rule
from streams.on_time.verdicts import Verdict, judge


class InPeriod(Struct, frozen=True):
    """A case that was open in the period: what it was received as, and its verdict at the end of the period."""

    carried_over: bool
    has_ended: bool
    verdict: Verdict


def in_period(rule: Rule, history: History, start: int, end: int, calendar: Calendar) -> InPeriod | None:
    """The case in the period from `start` up to, but excluding, `end`; None where it does not belong to it.

    Received before the period and open when it began, it is carried over. The verdict is that of the last microsecond:
    "as of 30 September 24:00" is a moment of 30 September, so that a term on this day has not passed by date.
    """
    carried_over = history.received_at < start
    if carried_over and history.has_ended(start - 1):
        return None
    verdict = judge(rule, history, end - 1, calendar)
    return None if verdict is None else InPeriod(carried_over, history.has_ended(end - 1), verdict)
