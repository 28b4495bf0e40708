"""A peer at work: its process started, watched by its meter, killed, started again, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.peers.clickhouse_kafka import CANNOT_RUN
from bench.peers.errors import CannotRun, Failed
from bench.peers.peer_task import Meter, Task
from bench.peers.throughput import Pace
from bench.process_usage import NOTHING, Usage, peak_mb, usage
from deploy.embedded.process import Step, ended, kill, spawn

ROOT = Path(__file__).parents[2]
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 240.0
"""How long nothing may happen before it is called stuck: groups wait a minute for a member that was killed."""
QUIET_SECONDS = 30.0
"""How long nothing must have happened before a run in which events may come again is over."""
STOP_SECONDS = 60.0


class Process:
    """A context manager around the processes of one task, of which one runs at a time."""

    def __init__(self, task: Task, command: Sequence[str], variables: dict[str, str]) -> None:
        self.task = task
        self._step = Step(
            task.name,
            tuple(command),
            task.folder / "log",
            task.folder,
            {"PYTHONPATH": str(ROOT)} | task.environment() | variables,
        )
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = NOTHING
        task.folder.mkdir(parents=True)
        Meter.prepare(task.folder)
        self._meter = Meter(task.folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it."""
        self._child = spawn(self._step)

    def kill(self) -> None:
        """SIGKILL, for it and whatever it started."""
        if self._child:
            while self._exit_code() is None:
                kill(self._child)
                time.sleep(LOOK_SECONDS)
            self._child = None

    def usage(self) -> Usage:
        """What its processes have used; of one that has ended it is exact."""
        return self._ended + (usage(self._child.pid) if self._child and self._exit_code() is None else NOTHING)

    def follow(self, pace: Pace) -> None:
        """Return when all events are counted."""

        def is_over(_: float) -> bool:
            begun, counted = self._meter.read()
            return pace.observe(counted, begun=begun)

        self._wait(is_over)

    def wait_for(self, events: int) -> None:
        """Return when so many events are counted."""
        self._wait(lambda _: self._meter.read()[1] >= events)

    def wait_until_quiet(self, events: int) -> None:
        """Return when it has ended, or when at least so many events were counted and for a while no more.

        Where fewer are counted that while is PATIENCE_SECONDS.
        """
        try:
            self._wait(lambda quiet: self._has_ended() or (quiet > QUIET_SECONDS and self._meter.read()[1] >= events))
        except Stuck:
            return

    def finish(self) -> None:
        """Tell it to stop unless it has, and wait until it has written what it has to write."""
        if self._child and self._exit_code() is None:
            self._child.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self._exit_code() is None and time.monotonic() < deadline:
                time.sleep(LOOK_SECONDS)
        self.kill()

    def wait(self) -> None:
        """Wait for its own end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._has_ended():
            if time.monotonic() > deadline:
                raise Failed(self._with_last_log_line("does not end"))
            time.sleep(LOOK_SECONDS)

    def _wait(self, holds: Callable[[float], bool]) -> None:
        counted, since = -1, time.monotonic()
        while True:
            now = self._meter.read()[1]
            if now != counted:
                counted, since = now, time.monotonic()
            quiet = time.monotonic() - since
            if holds(quiet):
                return
            if quiet > PATIENCE_SECONDS:
                raise Stuck(self._with_last_log_line(f"stood still at {counted:,} events"))
            if self._has_ended() and not holds(quiet):
                raise Failed(self._with_last_log_line(f"ended at {counted:,} events"))
            time.sleep(LOOK_SECONDS)

    def _has_ended(self) -> bool:
        """Whether it has ended well; raises CannotRun or Failed where it has not."""
        code = self._exit_code()
        if code == CANNOT_RUN:
            raise CannotRun(self._with_last_log_line("cannot run here"))
        if code:
            raise Failed(self._with_last_log_line(ended(code)))
        return code is not None

    def _exit_code(self) -> int | None:
        """The exit code, or None while it runs; what it used is taken over when it ends."""
        if self._child and self._child.returncode is None:
            # The peak that the kernel tells at the end may be that of this process, whose copy the child was at first.
            self._ended += Usage(0.0, peak_mb(self._child.pid))
            pid, status, used = os.wait4(self._child.pid, os.WNOHANG)
            if pid:
                self._child.returncode = os.waitstatus_to_exitcode(status)
                self._ended += Usage(used.ru_utime + used.ru_stime, 0.0)
        return self._child.returncode if self._child else 0

    def _with_last_log_line(self, what: str) -> str:
        lines = self._step.log.read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{what}: {last[:200]}" if last else what


class Stuck(Failed):
    """Nothing happened for a long time."""
