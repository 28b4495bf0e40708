"""Counting must not become more expensive, measured beside the least that counting can cost."""

from pathlib import Path

import pytest

from bench.regression_gate import BOUND, measure


@pytest.mark.platform
@pytest.mark.scenario
def test_counting_costs_no_more_than_the_bound(tmp_path: Path) -> None:
    cost = measure(tmp_path, print)
    assert cost.wrong == 0
    assert cost.ratio <= BOUND, f"{cost.counting} CPU seconds per million events, the floor needs {cost.floor}"
