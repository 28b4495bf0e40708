"""Stops a platform from another process, and ends the processes that a killed supervisor left behind."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.embedded.data_lock import is_locked
from deploy.embedded.process_liveness import has_ended, is_alive
from deploy.embedded.state_file import PlatformState, former_state, read_state, stored_state
from deploy.errors import AlreadyRuns


def stop_platform(data: Path, seconds: float = 60.0) -> bool:
    """Stop the platform that runs on a data directory and wait for its end; False where none did.

    A platform that has not stopped after `seconds` is killed, and its orphans are ended. A platform started by a former
    version is stopped as well, since after an upgrade that version is no longer at hand.
    """
    state = read_state(data) or former_state(data)
    if state is None and is_locked(data):
        raise AlreadyRuns(f"a platform of another machine or container has {data}: stop it where it was started")
    if state:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(state.supervisor, number)
            if has_ended(state.supervisor, state.created, seconds):
                break
    return bool(end_orphans(stored_state(data) or state)) or state is not None


def orphans(state: PlatformState) -> list[psutil.Process]:
    """The processes of a platform that still run although its supervisor does not."""
    processes = [(process.pid, process.created) for process in state.processes]
    return [psutil.Process(pid) for pid, since in processes if pid and is_alive(pid, since)]


def end_orphans(state: PlatformState | None, grace_seconds: float = 10.0) -> list[int]:
    """End what a killed supervisor left behind, first by SIGTERM; returns the pids. The caller has the data's lock."""
    processes = orphans(state) if state else []
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if all(has_ended(process.pid, process.create_time(), grace_seconds) for process in processes):
            break
    return [process.pid for process in processes]
