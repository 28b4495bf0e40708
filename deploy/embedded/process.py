"""One supervised process: what is to run, and its life from start to end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.log_files import bound_log, cause_line, last_lines
from deploy.embedded.process_liveness import created
from deploy.embedded.restart_policy import RestartPolicy
from deploy.embedded.state_file import ProcessState, State

TAIL_LINES = 8
HEALTH_CHECK_SECONDS = 5.0
"""How often the health of a ready program is checked."""
KEPT = frozenset(
    {"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV"}
    | {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED", "PYTHONUTF8"}
    | {"PYTHONWARNINGS"}
)
LAUNCHER = str(Path(__file__).with_name("launch.py"))


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is kept running.

    `ready` is polled every `ready_check_seconds` until it is true: it asks the program by its protocol, never raises,
    and returns within about two seconds, since it blocks the supervisor. `folder` is the working directory. The
    environment is `variables`, and KEPT of the supervisor's own: a server that is made to read its environment finds no
    token there. To stop, the program gets SIGTERM, and SIGKILL `stop_seconds` later.
    `health_problem` is polled once the program is ready, under the same terms: a program with a problem in
    `unhealthy_checks` checks in a row is killed and restarted.
    `start_seconds` is long, since a server that recovers much data must not be killed; a crash shows at once.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    ready: Callable[[], bool] = lambda: True
    ready_check_seconds: float = 0.0
    health_problem: Callable[[], str] = lambda: ""
    unhealthy_checks: int = 12
    start_seconds: float = 300.0
    stop_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Step:
    """A program that runs once, between two stages, and must exit with 0."""

    name: str
    argv: tuple[str, ...]
    log: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that programs need to run, and none that may hold a secret."""
    return {name: value for name, value in environment.items() if name in KEPT or name.startswith("LC_")}


def spawn(program: Program | Step) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to its log.

    On Linux it is killed when the calling thread ends, for whatever reason: call from a thread that outlives it.
    """
    program.log.parent.mkdir(parents=True, exist_ok=True)
    bound_log(program.log)
    # A session of its own: Ctrl-C in a terminal reaches only the supervisor, which then stops everything in order.
    with program.log.open("ab") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", LAUNCHER, str(os.getpid())),
                *program.argv,
            ],
            env={**clean(os.environ), **program.variables},
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill(child: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to a child that has not been collected yet, and to everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def ended(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"exited with {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


class Process:
    """The life of one Program. Every method takes the time, in seconds of one monotonic clock."""

    def __init__(self, program: Program, policy: RestartPolicy) -> None:
        self.program = program
        self.state: State = "starting"
        self.reason = ""
        self._policy = policy
        self._child: subprocess.Popen[bytes] | None = None
        self._created = 0.0
        self._crashes = 0
        self._restarts = 0
        self._tail: tuple[str, ...] = ()
        self._log_start = 0
        self._start_at = 0.0
        self._ready_since = 0.0
        self._ready_check_at = 0.0
        self._kill_at = 0.0
        self._check_at = 0.0
        self._unhealthy = 0

    def described(self) -> ProcessState:
        """Its entry in the state file."""
        return ProcessState(
            name=self.program.name,
            state=self.state,
            log=str(self.program.log),
            pid=self._child.pid if self._child else None,
            created=self._created,
            address=self.program.address,
            restarts=self._restarts,
            reason=self.reason,
            tail=self._tail,
        )

    def start(self, now: float) -> None:
        """Start or restart it; a failure to start counts as a crash."""
        log = self.program.log
        self._log_start = log.stat().st_size if log.is_file() else 0
        self._start_at = now
        try:
            self._child = spawn(self.program)
        except OSError as error:
            self._crashed(now, f"cannot be started: {error.strerror}")
        else:
            self._created = created(self._child.pid)

    def poll(self, now: float) -> None:
        """Check whether it became ready, unhealthy or ended, and restart it when its delay is over."""
        if self._child is None:
            if now >= self._start_at:
                self._restarts += 1
                self.start(now)
            return
        status = self._child.poll()
        if status is not None:
            self._crashed(now, ended(status))
        elif self.state != "ready":
            if self._is_ready(now):
                self.state, self._ready_since, self._unhealthy = "ready", now, 0
            elif now > self._start_at + self.program.start_seconds:
                kill(self._child)
                self._child.wait()
                self._crashes = self._policy.failing
                self._crashed(now, f"not ready after {self.program.start_seconds:.0f} seconds")
        elif now >= self._check_at:
            self._check_health(self._child, now)
        bound_log(self.program.log)

    def terminate(self, now: float) -> None:
        """Send SIGTERM; `is_over` says when it has ended."""
        self._kill_at = now + self.program.stop_seconds
        if self._child and self._child.poll() is None:
            self._child.terminate()

    def is_over(self, now: float, *, hard: bool) -> bool:
        """Whether it has ended after `terminate`; kills it after the grace period, or at once when `hard`."""
        if self._child is not None and self._child.poll() is None:
            if not hard and now < self._kill_at:
                return False
            kill(self._child)
            self._child.wait()
        self._child, self.state = None, "stopped"
        return True

    def _is_ready(self, now: float) -> bool:
        if now < self._ready_check_at:
            return False
        self._ready_check_at = now + self.program.ready_check_seconds
        return self.program.ready()

    def _check_health(self, child: subprocess.Popen[bytes], now: float) -> None:
        problem = self.program.health_problem()
        self._check_at = now + HEALTH_CHECK_SECONDS
        self._unhealthy = self._unhealthy + 1 if problem else 0
        if self._unhealthy >= self.program.unhealthy_checks:
            kill(child)
            child.wait()
            self._crashed(now, f"killed, it was unhealthy for too long ({problem})")

    def _crashed(self, now: float, reason: str) -> None:
        self._child = None
        ready_seconds = now - self._ready_since if self.state == "ready" else 0.0
        self._crashes = self._policy.crashes(self._crashes, ready_seconds)
        self._start_at = now + self._policy.delay(self._crashes)
        self._tail = last_lines(self.program.log, TAIL_LINES, self._log_start)
        line = cause_line(self._tail)
        self.reason = f"{reason}: {line}" if line else reason
        self.state = "failing" if self._crashes >= self._policy.failing else "restarting"
