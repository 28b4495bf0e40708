"""Starts processes stage by stage, restarts them when they end, and stops them in reverse order."""

import threading
import time
from collections.abc import Callable, Sequence

from deploy.embedded.log_files import cause_line, last_lines
from deploy.embedded.process import TAIL_LINES, Process, Program, Step, ended, kill, spawn
from deploy.embedded.progress import Progress
from deploy.embedded.restart_policy import RestartPolicy
from deploy.embedded.state_file import ProcessState
from deploy.errors import NotReady, Stopped

TICK_SECONDS = 0.05


class StopRequest:
    """Asks a supervisor in another thread to stop. Safe in signal handlers; it cannot be withdrawn."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.hard = False

    def ask(self) -> None:
        """Stop in order."""
        self._asked.set()

    def kill(self) -> None:
        """Stop by killing everything at once."""
        self.hard = True
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._asked.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the request, at most `seconds`; whether it was made."""
        return self._asked.wait(seconds)


class Supervisor:
    """Runs stages of programs and steps. All methods belong to one thread, which must outlive the processes.

    The members of a stage start together; the next stage starts when its programs are ready and its steps have
    succeeded. `publish` gets the processes whenever one has changed.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Program | Step]],
        stop: StopRequest,
        publish: Callable[[tuple[ProcessState, ...]], None],
        progress: Progress,
        policy: RestartPolicy | None = None,
    ) -> None:
        policy = policy or RestartPolicy()
        self._stages = [[Process(each, policy) for each in stage if isinstance(each, Program)] for stage in stages]
        self._steps = [[each for each in stage if isinstance(each, Step)] for stage in stages]
        self._stop = stop
        self._publish = publish
        self._progress = progress
        self._started: list[list[Process]] = []
        self._published: tuple[ProcessState, ...] = ()

    def start(self) -> None:
        """Start all stages; returns when every process is ready.

        Raises NotReady when a step fails or a process keeps failing, and Stopped after a stop request. Started
        processes are then still running, and `stop` ends them.
        """
        for processes, steps in zip(self._stages, self._steps, strict=True):
            self._started.append(processes)
            for process in processes:
                process.start(time.monotonic())
            for step in steps:
                self._run(step)
            while any(process.state != "ready" for process in processes):
                self._await()

    def supervise(self) -> None:
        """Keep everything running until the stop request."""
        while not self._stop.wait(TICK_SECONDS):
            self._tick()

    def stop(self) -> None:
        """Stop all started processes, the last stage first, and return when all have ended."""
        for processes in reversed(self._started):
            for process in processes:
                process.terminate(time.monotonic())
            while not all(process.is_over(time.monotonic(), hard=self._stop.hard) for process in processes):
                time.sleep(TICK_SECONDS / 2)
            self._publish_changes()

    def described(self) -> tuple[ProcessState, ...]:
        """All processes in the order of their start."""
        return tuple(process.described() for stage in self._stages for process in stage)

    def _running(self) -> list[Process]:
        return [process for stage in self._started for process in stage]

    def _tick(self) -> None:
        now = time.monotonic()
        for process in self._running():
            before = process.state
            process.poll(now)
            if process.state != before and process.state in ("restarting", "failing"):
                self._progress.say(f"{process.program.name} {process.reason}; it is started again")
        self._publish_changes()

    def _publish_changes(self) -> None:
        described = self.described()
        if described != self._published:
            self._published = described
            self._publish(described)

    def _await(self) -> None:
        self._tick()
        described = self.described()
        for each in described:
            if each.state == "failing":
                raise NotReady(f"{each.name} does not start: {each.reason} (its log is {each.log})")
        self._progress.advance("Starting", sum(each.state == "ready" for each in described), len(described))
        if self._stop.wait(TICK_SECONDS):
            raise Stopped("stopped before everything was ready")

    def _run(self, step: Step) -> None:
        log_start = step.log.stat().st_size if step.log.is_file() else 0
        child = spawn(step)
        try:
            while (status := child.poll()) is None:
                self._await()
        finally:
            if child.poll() is None:
                kill(child)
                child.wait()
        if status:
            line = cause_line(last_lines(step.log, TAIL_LINES, log_start))
            raise NotReady(f"{step.name} failed, it {ended(status)}: {line} (its log is {step.log})")
