"""What a platform tells about itself, and when it is not believed."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from deploy.embedded.process_liveness import created, is_alive
from deploy.embedded.state_file import (
    STATE_FILE,
    PlatformState,
    ProcessState,
    State,
    overall,
    read_state,
    stored_state,
    write_state,
)
from deploy.embedded.stop import end_orphans

HERE = PlatformState(
    supervisor=os.getpid(),
    created=created(os.getpid()),
    started_at=datetime(2026, 1, 5, 8, 0, tzinfo=UTC),
    state="ready",
    kafka="127.0.0.1:20001",
    clickhouse="127.0.0.1:20002",
    processes=(ProcessState("kafka", "ready", "/data/logs/kafka.log", pid=4711, address="127.0.0.1:20001"),),
)


def test_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, HERE)
    assert read_state(tmp_path) == HERE


def test_is_nothing_before_the_first_start(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"supervisor": "x"}'])
def test_a_damaged_file_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    assert read_state(tmp_path) is None


def test_a_stopped_platform_is_nothing(tmp_path: Path) -> None:
    write_state(tmp_path, structs.replace(HERE, state="stopped"))
    assert read_state(tmp_path) is None


def test_a_pid_that_another_process_has_now_is_not_the_supervisor(tmp_path: Path) -> None:
    write_state(tmp_path, structs.replace(HERE, created=HERE.created - 3600))
    assert read_state(tmp_path) is None
    assert stored_state(tmp_path) is not None


@pytest.mark.process
def test_a_dead_process_that_nobody_collected_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since = created(child.pid)
    assert is_alive(child.pid, since)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid, since)
    child.communicate()


@pytest.mark.process
def test_ends_what_a_killed_supervisor_left_and_nothing_else() -> None:
    ours, other = (subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2))
    left = ProcessState("kafka", "ready", "log", pid=ours.pid, created=created(ours.pid))
    reused = ProcessState("clickhouse", "ready", "log", pid=other.pid, created=created(other.pid) - 3600)
    assert end_orphans(structs.replace(HERE, processes=(left, reused))) == [ours.pid]
    ours.communicate()
    assert ours.returncode == -signal.SIGTERM
    assert other.poll() is None
    other.communicate(b"\n")


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([], "ready"),
        (["ready", "ready"], "ready"),
        (["ready", "starting"], "starting"),
        (["restarting", "ready", "starting"], "restarting"),
        (["ready", "restarting", "failing"], "failing"),
    ],
)
def test_a_platform_is_as_well_as_its_worst_process(states: list[State], worst: State) -> None:
    assert overall(tuple(ProcessState("x", state, "log") for state in states)) == worst
