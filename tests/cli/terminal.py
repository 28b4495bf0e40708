"""A command as a person meets it: on a terminal, with keys."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.commands import environment

SECONDS = 120.0


class Terminal:
    """A terminal, and the process of the command that runs on it."""

    def __init__(self, *arguments: str, **variables: str | Path) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "cli.main", *arguments]
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**variables) | {"TERM": "xterm"}
        )
        os.close(theirs)
        self._shown = b""

    def await_(self, text: str) -> None:
        """Return once this is shown."""
        deadline = time.monotonic() + SECONDS
        while text.encode() not in self._shown:
            assert time.monotonic() < deadline, self._shown.decode(errors="replace")
            self._shown += os.read(self._ours, 65536)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def close(self) -> None:
        """Take it away."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
