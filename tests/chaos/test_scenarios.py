"""Every scenario of the harness, once and short: nothing is lost, nothing doubled, nothing differs."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chaos.outcome import Outcome
from chaos.runner import LASTING, SCENARIOS

pytestmark = pytest.mark.platform


class Report(msgspec.Struct):
    """What `chaos.json` holds, as far as this test reads it."""

    outcomes: list[Outcome]


ALONE = [name for name in SCENARIOS if name not in LASTING]


def run(folder: Path, *names: str) -> tuple[list[Outcome], int, str]:
    """What came of these scenarios, the exit code, and what was said of them."""
    # In a process of its own: clients of servers that were killed leave sockets behind.
    options = ("--short", "--data", str(folder), *(option for name in names for option in ("--only", name)))
    told = subprocess.run([sys.executable, "-m", "chaos", *options], capture_output=True, text=True, check=False)
    said = f"ended with {told.returncode}: {told.stdout}{told.stderr}"
    report = folder / "chaos.json"
    assert report.exists(), said
    return msgspec.json.decode(report.read_bytes(), type=Report).outcomes, told.returncode, said


@pytest.mark.timeout(1800)
def test_the_counts_are_exact_in_spite_of_one_after_another(tmp_path: Path) -> None:
    outcomes, code, said = run(tmp_path, *LASTING)
    assert [outcome.scenario for outcome in outcomes] == list(LASTING), said
    assert code == 0, said
    for outcome in outcomes:
        assert outcome.passed, said
        assert outcome.runs > 0
        assert outcome.events > 0


@pytest.mark.parametrize("name", ALONE)
def test_the_counts_are_exact_in_spite_of(name: str, tmp_path: Path) -> None:
    [outcome], code, said = run(tmp_path, name)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.passed, said
    assert code == 0, said
    assert outcome.runs > 0
    assert outcome.events > 0
