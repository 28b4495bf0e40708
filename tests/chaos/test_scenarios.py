"""Every scenario of the harness, once and short: nothing is lost, nothing doubled, nothing differs."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chaos.outcome import Outcome
from chaos.run import SCENARIOS

pytestmark = pytest.mark.platform


class Report(msgspec.Struct):
    """What `chaos.json` holds, as far as this test reads it."""

    outcomes: list[Outcome]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_counts_are_exact_in_spite_of(name: str, tmp_path: Path) -> None:
    # In a process of its own: clients of servers that were killed leave sockets behind.
    options = ("--short", "--only", name, "--data", str(tmp_path))
    told = subprocess.run([sys.executable, "-m", "chaos", *options], capture_output=True, text=True, check=False)
    said = f"ended with {told.returncode}: {told.stdout}{told.stderr}"
    report = tmp_path / "chaos.json"
    assert report.exists(), said
    [outcome] = msgspec.json.decode(report.read_bytes(), type=Report).outcomes
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.passed, said
    assert told.returncode == 0, said
    assert outcome.runs > 0
    assert outcome.events > 0
