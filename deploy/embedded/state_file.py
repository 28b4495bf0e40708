"""What a platform tells about itself in its data directory: `platform.json`, always whole and current."""

import contextlib
import fcntl
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import psutil
from msgspec import Struct

from deploy.embedded.atomic_file import write_whole
from deploy.embedded.copy_detection import Place, place

State = Literal["starting", "ready", "restarting", "failing", "stopped"]

STATE_FILE = "platform.json"
LOCK = "platform.lock"
SAME_PROCESS_SECONDS = 2.0
"""How far two readings of one process's start time may differ; a pid is not given again that soon."""


class ProcessState(Struct, frozen=True):
    """One supervised process. `created` is its start in Unix seconds, which tells it from a later owner of its pid.

    `restarts` counts since the platform started. `reason` says in one line why it last ended, `tail` what its log ended
    with then; both are empty while it never did.
    """

    name: str
    state: State
    log: str
    pid: int | None = None
    created: float = 0.0
    address: str = ""
    restarts: int = 0
    reason: str = ""
    tail: tuple[str, ...] = ()


class PlatformState(Struct, frozen=True):
    """A platform: its supervisor, host:port of its servers (empty for one that it does not run), and its processes.

    `state` is `ready` only when every process is and the step before the workers has succeeded.
    """

    supervisor: int
    created: float
    started_at: datetime
    state: State
    kafka: str = ""
    clickhouse: str = ""
    processes: tuple[ProcessState, ...] = ()


class Stored(Struct, frozen=True):
    """The state file: a platform, and the directory that it was written in."""

    place: Place
    platform: PlatformState


def overall(processes: tuple[ProcessState, ...]) -> State:
    """The state of a started platform: the worst of its processes."""
    states = {process.state for process in processes}
    order: tuple[State, ...] = ("failing", "restarting", "starting", "stopped")
    return next((state for state in order if state in states), "ready")


def write_state(data: Path, state: PlatformState) -> None:
    """Replace the state file as a whole."""
    write_whole(data / STATE_FILE, msgspec.json.encode(Stored(place(data), state)))


def stored_state(data: Path) -> PlatformState | None:
    """What was written in this very directory, also when its supervisor is long gone; None when nothing was.

    One that was written elsewhere, and copied or restored here, tells of processes that are not of this directory.
    """
    try:
        stored = msgspec.json.decode((data / STATE_FILE).read_bytes(), type=Stored)
        return stored.platform if stored.place == place(data) else None
    except (OSError, msgspec.MsgspecError):
        return None


def read_state(data: Path) -> PlatformState | None:
    """The state of the platform that runs on this data directory, or None when none does."""
    state = stored_state(data)
    if state is None or state.state == "stopped" or not is_alive(state.supervisor, state.created):
        return None
    return state


def former_state(data: Path) -> PlatformState | None:
    """The platform that runs here and was started by a version whose state file does not tell the directory.

    It is believed only where its supervisor holds this very directory's lock, which no copy shares.
    """
    try:
        state = msgspec.json.decode((data / STATE_FILE).read_bytes(), type=PlatformState)
        lock = (data / LOCK).stat()
        held = any(
            os.path.samestat(lock, Path(file.path).stat()) for file in psutil.Process(state.supervisor).open_files()
        )
    except (OSError, msgspec.MsgspecError, psutil.Error):
        return None
    return state if held and is_alive(state.supervisor, state.created) else None


def is_claimed(data: Path) -> bool:
    """Whether a process holds this data directory, be it one whose state cannot be read here."""
    try:
        with (data / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def created(pid: int) -> float:
    """When a process started, in Unix seconds; 0 when there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def is_alive(pid: int, since: float) -> bool:
    """Whether the process that started `since` has the pid and runs; a dead one that is not collected does not."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - since) < SAME_PROCESS_SECONDS and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def has_ended(pid: int, since: float, seconds: float) -> bool:
    """Wait for a process that is not a child of this one; whether it ended within `seconds`."""
    deadline = time.monotonic() + seconds
    while is_alive(pid, since):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def leftovers(state: PlatformState) -> list[psutil.Process]:
    """The processes of a platform that still run although its supervisor does not."""
    known = [(process.pid, process.created) for process in state.processes]
    return [psutil.Process(pid) for pid, since in known if pid and is_alive(pid, since)]


def end_leftovers(state: PlatformState | None, grace_seconds: float = 10.0) -> list[int]:
    """End what a killed supervisor left behind, kindly at first; the pids that were ended. Its data must be claimed."""
    processes = leftovers(state) if state else []
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if all(has_ended(process.pid, process.create_time(), grace_seconds) for process in processes):
            break
    return [process.pid for process in processes]
