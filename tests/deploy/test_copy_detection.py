"""A copy of a data directory is told from what was moved, restored or restarted."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from deploy.embedded import state_file as states
from deploy.embedded.copy_detection import adopt, original_of, place
from deploy.embedded.data_lock import LOCK, locked
from deploy.embedded.process_liveness import created
from deploy.embedded.progress import Silence
from deploy.embedded.state_file import STATE_FILE, PlatformState, read_state, stored_state, write_state
from deploy.embedded.stop import stop_platform
from deploy.errors import AlreadyRuns

RUNNING = PlatformState(os.getpid(), created(os.getpid()), datetime(2026, 1, 5, tzinfo=UTC), "ready")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    write_state(data, RUNNING)
    assert original_of(data) == ""
    return data


def copied(data: Path) -> Path:
    return Path(shutil.copytree(data, data.with_name("copy"), symlinks=True))


def test_the_state_of_a_copy_is_not_believed_and_its_processes_are_left(data: Path) -> None:
    copy = copied(data)
    assert read_state(data) == RUNNING
    assert stored_state(copy) is None
    assert not stop_platform(copy)


def test_nor_is_a_state_file_alone_that_was_copied(data: Path, tmp_path: Path) -> None:
    shutil.copy2(data / STATE_FILE, tmp_path / STATE_FILE)
    assert read_state(tmp_path) is None
    assert not stop_platform(tmp_path)


def test_one_that_was_moved_or_is_reached_by_a_link_is_the_same(data: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data)
    assert read_state(tmp_path / "link") == RUNNING
    assert original_of(tmp_path / "link") == ""
    moved = data.rename(tmp_path / "moved")
    assert read_state(moved) == RUNNING
    assert original_of(moved) == ""


@pytest.mark.parametrize("field", ["boot", "namespace"])
def test_process_ids_of_another_boot_or_container_mean_nothing(
    data: Path, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "place", lambda data: structs.replace(place(data), **{field: "another"}))
    assert stored_state(data) is None


def test_a_copy_is_told_where_it_comes_from_until_it_has_settled(data: Path) -> None:
    copy = copied(data)
    assert original_of(copy) == str(data)
    assert original_of(copy) == str(data)
    adopt(copy)
    assert original_of(copy) == ""
    assert original_of(data) == ""


def test_a_backup_that_is_put_back_is_at_home(data: Path) -> None:
    copy = copied(data)
    shutil.rmtree(data)
    copy.rename(data)
    assert original_of(data) == ""


def test_a_directory_that_another_machine_or_container_holds_is_not_said_to_be_stopped(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "place", lambda data: structs.replace(place(data), namespace="another"))
    with locked(data, Silence()), pytest.raises(AlreadyRuns, match="stop it where it was started"):
        stop_platform(data)
    assert (data / LOCK).exists()


def former(data: Path, supervisor: int) -> None:
    """As the state file was before it told its directory."""
    state = structs.replace(RUNNING, supervisor=supervisor, created=created(supervisor))
    (data / STATE_FILE).write_bytes(msgspec.json.encode(state))


def holder(data: Path) -> subprocess.Popen[bytes]:
    """A process that holds the directory as a supervisor does."""
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(data / LOCK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.mark.process
def test_a_platform_that_a_former_version_started_is_stopped(data: Path) -> None:
    with holder(data) as supervisor:
        former(data, supervisor.pid)
        assert read_state(data) is None
        assert stop_platform(data)
        assert supervisor.wait() == -signal.SIGTERM


@pytest.mark.process
def test_a_copy_does_not_stop_the_former_version_of_its_original(data: Path) -> None:
    with holder(data) as supervisor:
        former(data, supervisor.pid)
        assert not stop_platform(copied(data))
        assert supervisor.poll() is None
        with holder(copied_again := shutil.copytree(data, data.with_name("held"))) as other:
            with pytest.raises(AlreadyRuns):
                stop_platform(copied_again)
            assert supervisor.poll() is other.poll() is None
            other.kill()
        supervisor.kill()
