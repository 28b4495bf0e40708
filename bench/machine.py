"""The machine that figures are of."""

import os
import platform
from pathlib import Path

import psutil
from msgspec import Struct

_CPUINFO = Path("/proc/cpuinfo")


class Machine(Struct, frozen=True):
    """What figures depend on: the processor, the cores that this process may use, memory in gigabytes, the system."""

    processor: str
    cores: int
    memory_gb: int
    system: str
    python: str


def this_machine() -> Machine:
    """The one on which this runs."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(psutil.virtual_memory().total / 1e9),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _processor() -> str:
    for line in _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
