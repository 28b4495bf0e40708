"""The rules of a running deployment change, on the real log and with a worker that slept through it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.deployment import SAMPLE, Deployment

pytestmark = [pytest.mark.platform, pytest.mark.scenario]


def on_time(deployment: Deployment) -> int:
    return int(deployment.json("report")["total"]["resolved_on_time"])


def test_the_rules_of_the_embedded_platform_change(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Deployment(data, "--profile", "samples/profile.toml") as deployment:
        deployment.load(SAMPLE)
        assert on_time(deployment) == 468
    (data / "profile.toml").write_bytes(Path("samples/profile-by-date.toml").read_bytes())

    refused = deployment.run("up", "--data", str(data), "--detach", code=1)
    assert "count anew by these rules with `dossier rebuild`" in refused

    with Deployment(data, "--workers", "0"):
        # What readers see is of the former rules until all of it is of the others.
        assert on_time(deployment) == 468
        deployment.run("rebuild", "--why", "terms are compared by date")
        assert on_time(deployment) == 505
        assert deployment.json("audit")["differences"] == 0

    with Deployment(data):
        deployment.load(SAMPLE)
        assert on_time(deployment) == 505
        assert deployment.json("audit")["differences"] == 0


def test_a_worker_that_slept_through_a_rebuild_ends(tmp_path: Path) -> None:
    with Deployment(tmp_path / "data", "--workers", "0", "--profile", "samples/profile.toml") as deployment:
        sleeper = start_worker(deployment, "sleeper")
        deployment.load(SAMPLE)
        sleeper.send_signal(signal.SIGSTOP)
        try:
            # The broker gives it up after its session; until then a rebuild waits.
            deployment.run("rebuild", "--from", "topic")
            before = deployment.snapshot()
            deployment.run("simulate", "--events", "50", "--rate", "1000")
        finally:
            sleeper.send_signal(signal.SIGCONT)
        _, said = sleeper.communicate(timeout=120)
        assert sleeper.returncode == 4, said
        assert "were rebuilt while this worker slept" in said
        after = deployment.snapshot()
        assert (after["facts"], after["windows"]) == (before["facts"], before["windows"])

        restarted = start_worker(deployment, "restarted")
        deadline = time.monotonic() + 120
        while deployment.snapshot()["facts"] == before["facts"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        deployment.load(SAMPLE)
        restarted.terminate()
        restarted.communicate(timeout=60)
        assert restarted.returncode == 0
        assert deployment.json("audit")["differences"] == 0


def start_worker(deployment: Deployment, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        deployment.command("work", "--name", name), env=deployment.environment, stderr=subprocess.PIPE, text=True
    )
