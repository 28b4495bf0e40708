"""How the platform reports what it is doing."""

from typing import Protocol


class Progress(Protocol):
    """Receives progress reports. Both methods are called from the platform's own threads and must not block."""

    def advance(self, task: str, done: int, total: int) -> None:
        """`done` of `total` units of a task are complete: bytes of a download, processes of a start."""

    def say(self, line: str) -> None:
        """A message for the operator: a crash, a restart, a changed port."""


class Silence:
    """Ignores all progress reports."""

    def advance(self, task: str, done: int, total: int) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Do nothing."""
