"""Progress on the terminal: a bar where a person looks, plain lines where a file does."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

MEGABYTE = 1_000_000


class Display:
    """Shows progress on standard error while it is entered; `say` works afterwards too."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._is_terminal = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[amount]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._bars.stop()

    def advance(self, task: str, done: int, total: int) -> None:
        """Move a bar; where nobody looks, one line when the task begins."""
        amount = f"{done / MEGABYTE:.1f} of {total / MEGABYTE:.1f} MB" if total > MEGABYTE else f"{done} of {total}"
        if task not in self._tasks:
            self._tasks[task] = self._bars.add_task(task, total=total, amount=amount)
            if not self._is_terminal:
                self.say(f"{task} ...")
        self._bars.update(self._tasks[task], completed=done, total=total, amount=amount)

    def say(self, line: str) -> None:
        """Print a line with the local time."""
        # A terminal that was closed must not end what it watched.
        with contextlib.suppress(OSError):
            if self._bars.live.is_started:
                self._bars.console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False, highlight=False)
            else:
                click.echo(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr)
