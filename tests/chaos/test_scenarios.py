"""Every scenario of the harness, once and short: nothing is lost, nothing doubled, nothing differs."""

from pathlib import Path

import pytest

from chaos.run import SCENARIOS, run
from chaos.scale import SHORT

pytestmark = pytest.mark.platform


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_counts_are_exact_in_spite_of(name: str, tmp_path: Path) -> None:
    outcome = run(name, SHORT, 1, tmp_path / "city")
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.passed, outcome
    assert outcome.runs > 0
    assert outcome.events > 0
