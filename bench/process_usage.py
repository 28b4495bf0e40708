"""CPU seconds and peak memory of a process and of its descendants."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec import Struct


class Usage(Struct, frozen=True):
    """CPU seconds, user and system, and the greatest resident memory in megabytes (10^6 bytes) that any one had."""

    cpu_seconds: float
    peak_mb: float

    def since(self, before: "Usage") -> "Usage":
        """The usage since `before`; the peak is of the whole lifetime."""
        return Usage(self.cpu_seconds - before.cpu_seconds, self.peak_mb)

    def __add__(self, other: "Usage") -> "Usage":
        """What both used together, and the greater peak."""
        return Usage(self.cpu_seconds + other.cpu_seconds, max(self.peak_mb, other.peak_mb))


NOTHING = Usage(0.0, 0.0)


def usage(pid: int) -> Usage:
    """The usage of this process and its running descendants so far; zero for a process that does not exist.

    A child that has ended is included in the usage of the process that waited for it.
    """
    used = NOTHING
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, FileNotFoundError):
                times = each.cpu_times()
                seconds = times.user + times.system + times.children_user + times.children_system
                used += Usage(seconds, peak_mb(each.pid))
    return used


def usage_of(pids: Iterable[int]) -> Usage:
    """What these processes have used together."""
    return sum(map(usage, pids), NOTHING)


def peak_mb(pid: int) -> float:
    """The greatest resident memory that this process alone had; 0 of one that has ended but was not collected.

    Raises FileNotFoundError for one that is gone.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
