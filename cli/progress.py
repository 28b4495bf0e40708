"""Progress on standard error: redrawn in place on a terminal, plain lines elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.spinner import Spinner
from rich.text import Text

from cli.console import console as plain_console
from cli.terminal_escape import printable

MEGABYTE = 1_000_000
PLAIN_SECONDS = 5.0
_TERMINAL_SECONDS = 0.2


class Display:
    """Shows the progress of a command while it is entered; `say` works afterwards, too."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        console = console or plain_console(stderr=True)
        self._is_terminal = console.is_terminal
        self._clock = clock
        self._every = _TERMINAL_SECONDS if self._is_terminal else PLAIN_SECONDS
        self._due = clock() + self._every
        self._line = Spinner("dots")
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._live = Live(
            get_renderable=lambda: self._line if self._line.text else self._bars, console=console, transient=True
        )

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def tick(self, describe: Callable[[], str]) -> None:
        """Show a line of progress, if it is time to; cheap enough to be called for every row."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + self._every
        if self._is_terminal:
            self._line.update(text=Text(printable(describe())))
        else:
            self._print(describe())

    def advance(self, task: str, done: int, total: int) -> None:
        """Advance a bar; without a terminal, print one line when the task begins."""
        amount = f"{done / MEGABYTE:.1f} of {total / MEGABYTE:.1f} MB" if total > MEGABYTE else f"{done} of {total}"
        if task not in self._tasks:
            self._tasks[task] = self._bars.add_task(task, total=total, amount=amount)
            if not self._is_terminal:
                self.say(f"{task} ...")
        self._bars.update(self._tasks[task], completed=done, total=total, amount=amount)

    def say(self, line: str) -> None:
        """Print a line with the local time."""
        self._print(f"{time.strftime('%H:%M:%S')} {line}")

    def _print(self, line: str) -> None:
        line = printable(line)
        # A closed terminal must not end the command.
        with contextlib.suppress(OSError):
            if self._live.is_started:
                self._live.console.print(line, markup=False, highlight=False)
            else:
                click.echo(line, file=sys.stderr)
