"""Whether a process still runs: a pid alone is not enough, since the system gives it to another process later."""

import time

import psutil

SAME_PROCESS_SECONDS = 2.0
"""How far two readings of one process's start time may differ; no pid is given again that soon."""


def created(pid: int) -> float:
    """When a process started, in Unix seconds; 0 where there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def is_alive(pid: int, since: float) -> bool:
    """Whether the process with this pid that started at `since` runs; a zombie does not."""
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
