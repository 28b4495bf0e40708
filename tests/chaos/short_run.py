"""Scenarios of the harness, run once and short against one deployment."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest

from chaos.outcome import Outcome


class Report(msgspec.Struct):
    """What `chaos.json` holds, as far as tests read it."""

    outcomes: list[Outcome]


def assert_exact(folder: Path, names: Collection[str]) -> None:
    """Nothing is lost, nothing doubled, nothing differs after any of these; skips where the user may not run them."""
    # In a process of its own: clients of servers that were killed leave sockets behind.
    options = ("--short", "--data", str(folder), *(option for name in names for option in ("--only", name)))
    told = subprocess.run([sys.executable, "-m", "chaos", *options], capture_output=True, text=True, check=False)
    said = f"ended with {told.returncode}: {told.stdout}{told.stderr}"
    report = folder / "chaos.json"
    assert report.exists(), said
    outcomes = msgspec.json.decode(report.read_bytes(), type=Report).outcomes
    assert [outcome.scenario for outcome in outcomes] == list(names), said
    if skipped := [outcome.skipped for outcome in outcomes if outcome.skipped]:
        pytest.skip("; ".join(skipped))
    assert told.returncode == 0, said
    for outcome in outcomes:
        assert outcome.passed, said
        assert outcome.runs > 0
        assert outcome.events > 0
