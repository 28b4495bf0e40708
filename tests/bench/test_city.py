"""The whole measurement, small: one command, from an empty directory to the result."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = {
    *("dossiers", "online", "resolved", "on_time", "events", "seconds", "events_per_second"),
    *("cpu_seconds_per_million", "worker_peak_mb", "differences"),
    *("second_replay", "publishing", "machine", "command", "seed"),
}


@pytest.mark.platform
@pytest.mark.scenario
def test_the_seed_case_is_counted_twice_and_nothing_differs(tmp_path: Path) -> None:
    out = tmp_path / "results" / "city.json"
    options = ["--dossiers", "400", "--seed", "5", "--data", str(tmp_path / "data"), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.city", *options], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_bytes())
    assert result.keys() == KEYS
    assert (result["dossiers"], result["online"], result["resolved"], result["on_time"]) == (400, 79, 381, 347)
    assert result["differences"] == result["second_replay"]["differences"] == 0
    assert result["events"] == result["second_replay"]["events"] == result["publishing"]["events"]
    assert result["worker_peak_mb"] > 0
    assert "400 dossiers, 79 online" in done.stdout
    assert list((tmp_path / "data").iterdir()) == []
