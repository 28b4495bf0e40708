"""Workers that the harness starts beside those of the platform."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from chaos.deadline import PATIENCE_SECONDS


class ExtraWorkers:
    """Processes by name; `command` gives the command of the worker with a name."""

    def __init__(self, logs: Path, command: Callable[[str], tuple[str, ...]]) -> None:
        self._logs = logs
        self._command = command
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, environment: Mapping[str, str], name: str = "") -> str:
        """Start one, perhaps one that was stopped, and return its name at once."""
        name = name or f"helper-{len(self._running) + 1}"
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(self._command(name), env=environment, stdout=log, stderr=log)
        return name

    def stop(self, name: str) -> int:
        """Stop one in order; returns its exit code."""
        self._running[name].terminate()
        return self._running[name].wait(PATIENCE_SECONDS)

    def pids(self) -> Iterator[tuple[str, int]]:
        """Name and pid of each."""
        return ((name, process.pid) for name, process in self._running.items())

    def kill(self) -> None:
        """Kill all of them."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()
