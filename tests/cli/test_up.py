"""`dossier up` from start to stop, as a person or a script meets it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.embedded.state_file import STATE_FILE
from tests.cli.commands import Run

PATIENCE_SECONDS = 90


def apart(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli.main", *arguments]
    # Not a terminal's foreground group, so that signals of the test reach it alone.
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def using(data: Path) -> list[str]:
    """The processes that work in a data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(data) or str(data) in process.cmdline():
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_place_that_is_no_directory_is_one_line(dossier: Run, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    ended = dossier("up", "--data", place)
    assert (ended.code, ended.reason) == (2, f"{place} is not a directory: name another one with --data")


@pytest.mark.platform
def test_detached_from_start_to_stop(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    up = apart("up", *data, "--workers", "0", "--detach")
    try:
        assert up.returncode == 0, up.stderr
        assert "Ready and detached" in up.stdout
        first = apart("status", *data, "--json")
        assert first.returncode == 0
        processes = {each["name"]: each for each in json.loads(first.stdout)["processes"]}
        assert {name: each["state"] for name, each in processes.items()} == {"kafka": "ready", "clickhouse": "ready"}
        assert all(psutil.pid_exists(each["pid"]) for each in processes.values())

        again = apart("up", *data)
        assert again.returncode == 1
        assert again.stderr.splitlines()[-1].startswith(f"dossier: a platform runs in {tmp_path} already")

        os.kill(processes["clickhouse"]["pid"], signal.SIGKILL)
        until(lambda: '"restarts":1' in apart("status", *data, "--json").stdout)
        until(lambda: apart("status", *data).returncode == 0)
    finally:
        stopped = apart("down", *data)
    assert (stopped.returncode, stopped.stdout) == (0, f"stopped what ran in {tmp_path}\n")
    assert using(tmp_path) == []
    assert apart("status", *data).returncode == 3


@pytest.mark.platform
@pytest.mark.parametrize(
    ("number", "seconds", "code"), [(signal.SIGTERM, 0.0, 143), (signal.SIGINT, 0.6, 130), (signal.SIGTERM, 1.6, 143)]
)
def test_a_stop_during_the_start_leaves_no_process(tmp_path: Path, number: int, seconds: float, code: int) -> None:
    up = start("up", "--data", str(tmp_path))
    until((tmp_path / STATE_FILE).exists)
    time.sleep(seconds)  # the moment is the point: whatever is being done then
    up.send_signal(number)
    said, _ = up.communicate(timeout=PATIENCE_SECONDS)
    assert up.returncode == code, said
    assert using(tmp_path) == []


@pytest.mark.platform
def test_a_port_in_use_fails_a_detached_start_with_its_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        said = apart("up", "--data", str(tmp_path), "--clickhouse-port", str(port), "--detach")
    assert said.returncode == 2
    reason = f"dossier: port {port} is in use: stop what holds it, or choose another with --clickhouse-port"
    assert said.stderr.splitlines()[-1] == reason
    assert using(tmp_path) == []


@pytest.mark.platform
def test_ctrl_c_ends_a_ready_platform_well(tmp_path: Path) -> None:
    up = start("up", "--data", str(tmp_path), "--workers", "0")
    assert up.stdout
    lines = []
    for line in up.stdout:
        lines.append(line)
        if line.startswith("Ready."):
            break
    assert [line.split()[:2] for line in lines if "127.0.0.1:" in line] == [["clickhouse", "ready"], ["kafka", "ready"]]
    up.send_signal(signal.SIGINT)
    rest, _ = up.communicate(timeout=PATIENCE_SECONDS)
    assert (up.returncode, rest) == (0, "stopped\n")
    assert using(tmp_path) == []
