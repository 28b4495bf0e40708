"""The rates of reports, by each rule that a deployment can lead with."""

import pytest

from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.rule_names import RuleName
from streams.reports.report import with_rates

COUNTED = dict.fromkeys(COUNTERS, 0) | {
    "resolved": 10,
    "withdrawn": 2,
    "refused": 1,
    "stopped": 1,
    "resolved_on_time": 9,
    "resolved_on_time_by_instant": 5,
    "resolved_on_time_by_date": 6,
    "judged_by_766": 13,
    "on_time_by_766": 8,
    "form_early": 3,
    "form_on_time": 4,
}


@pytest.mark.parametrize(
    ("rule", "judged", "on_time"),
    [("instant", 10, 5), ("date", 10, 6), ("decision 766", 13, 8), ("report form", 14, 7)],
)
def test_the_on_time_rate_is_that_of_the_leading_rule(rule: RuleName, judged: int, on_time: int) -> None:
    found = with_rates(COUNTED, Profile(leading_rule=rule))
    assert (found["judged"], found["on_time"], found["on_time_rate"]) == (judged, on_time, on_time / judged)
    assert found["resolved_on_time"] == 9


def test_without_what_is_judged_there_is_no_rate() -> None:
    assert with_rates(dict.fromkeys(COUNTERS, 0), Profile())["on_time_rate"] is None
