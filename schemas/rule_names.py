"""The names of the rules of being on time, in the order in which they are numbered, and the counters of each."""

from typing import Literal, TypeAlias

RuleName: TypeAlias = Literal["instant", "date", "decision 766", "report form"]

RULE_NAMES: tuple[RuleName, ...] = ("instant", "date", "decision 766", "report form")
"""Each rule; stored verdicts and queries have the number of its place, from 1 on."""

_ENDED = ("resolved", "withdrawn", "refused", "stopped")
ON_TIME: dict[RuleName, tuple[str, ...]] = {
    "instant": ("resolved_on_time_by_instant",),
    "date": ("resolved_on_time_by_date",),
    "decision 766": ("on_time_by_766",),
    "report form": ("form_early", "form_on_time"),
}
"""The counters whose sum is what ended in time by each rule."""
JUDGED: dict[RuleName, tuple[str, ...]] = {
    "instant": ("resolved",),
    "date": ("resolved",),
    "decision 766": ("judged_by_766",),
    "report form": _ENDED,
}
"""The counters whose sum is what ended and is judged by each rule: the denominator of its on-time rate."""
STANDINGS = ("early", "on time", "late", "in term", "overdue")
"""How a case can stand by a rule, in the order in which stored verdicts number it, from 1 on; 0 is not judged."""


TITLES: dict[RuleName, tuple[str, str]] = {
    "instant": ("thời điểm", "instant"),
    "date": ("ngày", "date"),
    "decision 766": ("Quyết định 766", "Decision 766"),
    "report form": ("biểu mẫu báo cáo", "the report form"),
}
"""What terms are compared by, in Vietnamese and English."""


def number_of(rule: RuleName) -> int:
    """The number by which stored verdicts and queries know this rule."""
    return RULE_NAMES.index(rule) + 1
