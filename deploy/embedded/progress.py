"""How the platform tells what it is doing."""

from typing import Protocol


class Progress(Protocol):
    """What hears of progress. Both methods are called from the platform's own threads and must not block."""

    def advance(self, task: str, done: int, total: int) -> None:
        """`done` of `total` of a task are through: bytes of a download, processes of a start."""

    def say(self, line: str) -> None:
        """Something a person should know: a crash, a restart, a port that had to change."""


class Silence:
    """Progress that nobody watches."""

    def advance(self, task: str, done: int, total: int) -> None:
        """Say nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""
