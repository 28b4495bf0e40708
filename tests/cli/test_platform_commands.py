"""`dossier up`, `status` and `down` as a person or a script meets them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from msgspec import structs

from cli.platform import describe, down, status
from deploy.embedded.process_liveness import created
from deploy.embedded.secret_files import keep_secrets
from deploy.embedded.state_file import STATE_FILE, PlatformState, ProcessState, write_state

PATIENCE_SECONDS = 90


def dossier(*arguments: str) -> subprocess.CompletedProcess[str]:
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


def test_where_nothing_runs_status_says_so_with_its_own_code(tmp_path: Path) -> None:
    said = CliRunner().invoke(status, ["--data", str(tmp_path)])
    assert said.exit_code == 3
    assert said.output == f"nothing runs in {tmp_path}: `dossier up --data {tmp_path}` starts it\n"
    said = CliRunner().invoke(status, ["--data", str(tmp_path), "--json"])
    assert said.exit_code == 3
    assert json.loads(said.output) == {"state": "stopped", "processes": []}


def test_where_nothing_runs_down_is_content(tmp_path: Path) -> None:
    said = CliRunner().invoke(down, ["--data", str(tmp_path)])
    assert (said.exit_code, said.output) == (0, f"nothing runs in {tmp_path}\n")
    said = CliRunner().invoke(down, ["--data", str(tmp_path), "--quiet"])
    assert (said.exit_code, said.output) == (0, "")


def failing() -> PlatformState:
    return PlatformState(
        supervisor=os.getpid(),
        created=created(os.getpid()),
        started_at=datetime(2026, 1, 5, tzinfo=UTC),
        state="failing",
        kafka="127.0.0.1:20001",
        processes=(
            ProcessState("kafka", "ready", "/d/logs/kafka.log", pid=12, address="127.0.0.1:20001"),
            ProcessState(
                *("worker-1", "failing", "/d/logs/worker-1.log"),
                restarts=7,
                reason="exited with 1: no table",
                tail=("Traceback", "no table"),
            ),
        ),
    )


def test_a_failing_process_is_shown_with_the_end_of_its_log() -> None:
    assert describe(failing()).splitlines() == [
        "process   state    address          pid  restarts  log",
        "kafka     ready    127.0.0.1:20001  12   0         /d/logs/kafka.log",
        "worker-1  failing  -                -    7         /d/logs/worker-1.log",
        "",
        "worker-1 exited with 1: no table",
        "  | Traceback",
        "  | no table",
    ]


def test_status_fails_while_something_is_not_ready(tmp_path: Path) -> None:
    write_state(tmp_path, failing())
    said = CliRunner().invoke(status, ["--data", str(tmp_path), "--json"])
    assert said.exit_code == 1
    processes = json.loads(said.output)["processes"]
    assert [(each["name"], each["state"], each["restarts"]) for each in processes] == [
        ("kafka", "ready", 0),
        ("worker-1", "failing", 7),
    ]


def test_status_says_how_to_connect_and_the_passwords_only_when_asked(tmp_path: Path) -> None:
    write_state(tmp_path, structs.replace(failing(), clickhouse="127.0.0.1:20002"))
    secrets = keep_secrets(tmp_path)
    words = [secrets.reader.reveal(), secrets.owner.reveal(), secrets.kafka.reveal()]
    told = CliRunner().invoke(status, ["--data", str(tmp_path)]).output
    assert "ClickHouse  127.0.0.1:20002  reader" in told
    assert f"Kafka       127.0.0.1:20001  dossier  {tmp_path}/secrets/kafka" in told
    assert not any(word in told for word in words)
    shown = CliRunner().invoke(status, ["--data", str(tmp_path), "--show-secrets"]).output
    assert all(word in shown for word in words)
    listed = CliRunner().invoke(status, ["--data", str(tmp_path), "--show-secrets", "--json"]).output
    assert [each["secret"] for each in json.loads(listed)["access"]] == words


def test_a_place_that_is_no_directory_is_one_line(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    said = dossier("up", "--data", str(place))
    assert said.returncode == 2
    assert said.stderr.strip() == f"dossier: {place} is not a directory: name another one with --data"


@pytest.mark.platform
def test_detached_from_start_to_stop(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    up = dossier("up", *data, "--workers", "0", "--detach")
    try:
        assert up.returncode == 0, up.stderr
        assert "Ready and detached" in up.stdout
        first = dossier("status", *data, "--json")
        assert first.returncode == 0
        processes = {each["name"]: each for each in json.loads(first.stdout)["processes"]}
        assert {name: each["state"] for name, each in processes.items()} == {"kafka": "ready", "clickhouse": "ready"}
        assert all(psutil.pid_exists(each["pid"]) for each in processes.values())

        again = dossier("up", *data)
        assert again.returncode == 1
        assert again.stderr.splitlines()[-1].startswith(f"dossier: a platform runs in {tmp_path} already")

        os.kill(processes["clickhouse"]["pid"], signal.SIGKILL)
        until(lambda: '"restarts":1' in dossier("status", *data, "--json").stdout)
        until(lambda: dossier("status", *data).returncode == 0)
    finally:
        stopped = dossier("down", *data)
    assert (stopped.returncode, stopped.stdout) == (0, f"stopped what ran in {tmp_path}\n")
    assert using(tmp_path) == []
    assert dossier("status", *data).returncode == 3


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
        said = dossier("up", "--data", str(tmp_path), "--clickhouse-port", str(port), "--detach")
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
