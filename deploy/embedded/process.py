"""One supervised process: what is to run, and its life from start to end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.logs import bound_log, last_lines, telling_line
from deploy.embedded.restart import RestartPolicy
from deploy.embedded.state import ProcessState, State, created

TAIL_LINES = 8
LOOK_SECONDS = 5.0
"""How often a ready program is asked whether it is well."""
KEPT = frozenset(
    {"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV"}
    | {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED", "PYTHONUTF8"}
    | {"PYTHONWARNINGS"}
)
LAUNCHER = str(Path(__file__).with_name("launch.py"))


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is kept running.

    `ready` is asked every `ready_seconds` until it is true; it asks the program by its protocol, never raises, and
    returns within about two seconds because it holds up the supervisor. `folder` is where it runs. Its environment is
    `variables`, and KEPT of the supervisor's own: a server that is made to read its environment finds no token there.
    It gets SIGTERM, and SIGKILL `stop_seconds` later.
    `unwell` is asked now and then once it is ready, under the same terms: a program that says `unwell_looks` times on
    end that something is wrong is killed, and so started again.
    `start_seconds` is long because a server that recovers much data must not be killed over it; a crash shows at once.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    ready: Callable[[], bool] = lambda: True
    ready_seconds: float = 0.0
    unwell: Callable[[], str] = lambda: ""
    unwell_looks: int = 12
    start_seconds: float = 300.0
    stop_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Step:
    """A program that runs once, between others, and must end with 0."""

    name: str
    argv: tuple[str, ...]
    log: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Of an environment, what says how programs run here, and nothing that a person has put there to be kept."""
    return {name: value for name, value in environment.items() if name in KEPT or name.startswith("LC_")}


def spawn(program: Program | Step) -> subprocess.Popen[bytes]:
    """Start a program in an own session, its output appended to its log.

    On Linux it is killed when the calling thread ends, however that happens: call from a thread that outlives it.
    """
    program.log.parent.mkdir(parents=True, exist_ok=True)
    bound_log(program.log)
    # An own session: Ctrl-C in a terminal reaches the supervisor alone, which then stops all in order.
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
    """SIGKILL for a child that was not collected yet and whatever it started."""
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
    """The life of one Program. Every method takes the time in seconds of one clock that does not jump."""

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
        self._ask_at = 0.0
        self._kill_at = 0.0
        self._look_at = 0.0
        self._unwell = 0

    def described(self) -> ProcessState:
        """What the state file says of it."""
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
        """Start it for the first time or again; a system that refuses counts as a crash."""
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
        """Notice that it became ready or ended, and start it again when its time has come."""
        if self._child is None:
            if now >= self._start_at:
                self._restarts += 1
                self.start(now)
            return
        status = self._child.poll()
        if status is not None:
            self._crashed(now, ended(status))
        elif self.state != "ready":
            if now >= self._ask_at and self._asked(now):
                self.state, self._ready_since, self._unwell = "ready", now, 0
            elif now > self._start_at + self.program.start_seconds:
                kill(self._child)
                self._child.wait()
                self._crashes = self._policy.failing
                self._crashed(now, f"not ready after {self.program.start_seconds:.0f} seconds")
        elif now >= self._look_at:
            self._look(self._child, now)
        bound_log(self.program.log)

    def terminate(self, now: float) -> None:
        """Ask it to end; `is_over` says when it did."""
        self._kill_at = now + self.program.stop_seconds
        if self._child and self._child.poll() is None:
            self._child.terminate()

    def is_over(self, now: float, *, hard: bool) -> bool:
        """Whether it has ended after `terminate`; kills it when its grace is over, or at once when `hard`."""
        if self._child is not None and self._child.poll() is None:
            if not hard and now < self._kill_at:
                return False
            kill(self._child)
            self._child.wait()
        self._child, self.state = None, "stopped"
        return True

    def _asked(self, now: float) -> bool:
        self._ask_at = now + self.program.ready_seconds
        return self.program.ready()

    def _look(self, child: subprocess.Popen[bytes], now: float) -> None:
        trouble = self.program.unwell()
        self._look_at = now + LOOK_SECONDS
        self._unwell = self._unwell + 1 if trouble else 0
        if self._unwell >= self.program.unwell_looks:
            kill(child)
            child.wait()
            self._crashed(now, f"killed, it was not well for long ({trouble})")

    def _crashed(self, now: float, reason: str) -> None:
        self._child = None
        ready_seconds = now - self._ready_since if self.state == "ready" else 0.0
        self._crashes = self._policy.crashes(self._crashes, ready_seconds)
        self._start_at = now + self._policy.delay(self._crashes)
        self._tail = last_lines(self.program.log, TAIL_LINES, self._log_start)
        line = telling_line(self._tail)
        self.reason = f"{reason}: {line}" if line else reason
        self.state = "failing" if self._crashes >= self._policy.failing else "restarting"
