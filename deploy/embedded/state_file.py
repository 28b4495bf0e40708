"""The state file of a platform, `platform.json` in its data directory: replaced as a whole at each change."""

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import psutil
from msgspec import Struct

from deploy.embedded.atomic_file import write_atomically
from deploy.embedded.copy_detection import Place, place
from deploy.embedded.data_lock import LOCK
from deploy.embedded.process_liveness import is_alive

State = Literal["starting", "ready", "restarting", "failing", "stopped"]

STATE_FILE = "platform.json"


class ProcessState(Struct, frozen=True):
    """One supervised process. `created` is its start in Unix seconds: a later process with the same pid has another.

    `restarts` counts since the platform started. `reason` is one line on why it last ended, `tail` the end of its log
    at that time; both are empty until it ends for the first time.
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
    """A platform: its supervisor, host:port of its servers (empty where it does not run one), and its processes.

    `state` is `ready` only when every process is ready and the step before the workers has succeeded.
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
    write_atomically(data / STATE_FILE, msgspec.json.encode(Stored(place(data), state)))


def stored_state(data: Path) -> PlatformState | None:
    """The state last written in this directory, even when its supervisor has ended; None where there is none.

    A state file that was copied or restored from elsewhere names processes of another directory, and is ignored.
    """
    try:
        stored = msgspec.json.decode((data / STATE_FILE).read_bytes(), type=Stored)
        return stored.platform if stored.place == place(data) else None
    except (OSError, msgspec.MsgspecError):
        return None


def read_state(data: Path) -> PlatformState | None:
    """The state of the platform that runs on this data directory; None where none runs."""
    state = stored_state(data)
    if state is None or state.state == "stopped" or not is_alive(state.supervisor, state.created):
        return None
    return state


def former_state(data: Path) -> PlatformState | None:
    """The running platform of a former version, whose state file does not name the directory.

    It is trusted only where its supervisor holds the lock of this directory, which a copy never shares.
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
