"""The supervisor, with small Python programs in place of servers."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded import log_files as process_logs
from deploy.embedded import process
from deploy.embedded.process import Process, Program, Step, spawn
from deploy.embedded.restart_policy import RestartPolicy
from deploy.embedded.state_file import ProcessState
from deploy.embedded.supervisor import StopRequest, Supervisor
from deploy.errors import NotReady, Stopped

pytestmark = pytest.mark.process

FAST = RestartPolicy(first=0.02, longest=0.1, healthy=60, failing=3)
FOREVER = "import time; time.sleep(600)"
PATIENCE_SECONDS = 20


class Watched:
    """A supervisor in a thread of its own, as the platform runs it, with everything it told."""

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.told: list[tuple[ProcessState, ...]] = []
        self.lines: list[str] = []
        self.failure: Exception | None = None
        self.started = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, *stages: list[Program | Step]) -> "Watched":
        self._thread = threading.Thread(target=self._live, args=(stages,))
        self._thread.start()
        return self

    def end(self) -> None:
        self.stop.ask()
        if self._thread:
            self._thread.join(PATIENCE_SECONDS)
            assert not self._thread.is_alive()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.now, self.lines, self.failure)
            time.sleep(0.01)

    @property
    def now(self) -> dict[str, ProcessState]:
        return {each.name: each for each in self.told[-1]} if self.told else {}

    def advance(self, task: str, done: int, total: int) -> None:
        assert (task, done <= total) == ("Starting", True)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def _live(self, stages: tuple[list[Program | Step], ...]) -> None:
        supervisor = Supervisor(stages, self.stop, self.told.append, self, FAST)
        try:
            supervisor.start()
            self.started.set()
            supervisor.supervise()
        except (NotReady, Stopped) as error:
            self.failure = error
        finally:
            supervisor.stop()


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.end()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(name: str, code: str, **changes: object) -> Program:
        argv = (sys.executable, "-S", "-c", code)
        return Program(name=name, argv=argv, log=tmp_path / f"{name}.log", folder=tmp_path, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def step(tmp_path: Path) -> Callable[[str, str], Step]:
    return lambda name, code: Step(name, (sys.executable, "-S", "-c", code), tmp_path / f"{name}.log", tmp_path)


def test_a_stage_starts_when_the_one_before_is_ready(
    watched: Watched, program: Callable[..., Program], step: Callable[[str, str], Step], tmp_path: Path
) -> None:
    announced = f"open({str(tmp_path / 'up')!r}, 'w').close(); {FOREVER}"
    server = program("server", announced, ready=(tmp_path / "up").exists)
    migrate = step("migrate", f"import os; assert os.path.exists({str(tmp_path / 'up')!r}); open('done', 'w').close()")
    worker = program("worker", f"import os; assert os.path.exists('done'); {FOREVER}")
    watched.run([server], [migrate], [worker])
    watched.until(watched.started.is_set)
    assert {name: (each.state, each.restarts) for name, each in watched.now.items()} == {
        "server": ("ready", 0),
        "worker": ("ready", 0),
    }


def test_a_check_that_costs_much_is_made_now_and_then(program: Callable[..., Program]) -> None:
    checked: list[None] = []

    def ready() -> bool:
        checked.append(None)
        return len(checked) > 2

    process = Process(program("worker", FOREVER, ready=ready, ready_check_seconds=0.25), FAST)
    process.start(0.0)
    try:
        states = []
        for now in (0.0, 0.05, 0.2, 0.25, 0.3, 0.49, 0.5):
            process.poll(now)
            states.append((len(checked), process.state))
    finally:
        process.terminate(0.5)
        process.is_over(0.5, hard=True)
    assert states == [*[(1, "starting")] * 3, *[(2, "starting")] * 3, (3, "ready")]


def test_what_crashes_is_started_again(watched: Watched, program: Callable[..., Program]) -> None:
    watched.run([program("server", FOREVER), program("other", FOREVER)])
    watched.until(watched.started.is_set)
    before = watched.now
    victim = before["server"].pid
    assert victim
    os.kill(victim, 9)
    watched.until(lambda: watched.now["server"].restarts == 1 and watched.now["server"].state == "ready")
    assert watched.now["server"].pid not in (None, victim)
    assert watched.now["other"] == before["other"]
    assert watched.lines == ["server killed by SIGKILL; it is started again"]


def test_what_keeps_crashing_is_failing_tells_why_and_is_tried_on(
    watched: Watched, program: Callable[..., Program], tmp_path: Path
) -> None:
    # Well until the file is there, then broken until it is gone.
    code = f"import os\nif os.path.exists('broken'): raise SystemExit('the disk is on fire')\n{FOREVER}"
    ready = [True]
    watched.run([program("server", code, ready=lambda: ready[0])])
    watched.until(watched.started.is_set)
    ready[0] = False
    (tmp_path / "broken").touch()
    os.kill(watched.now["server"].pid or 0, 9)
    watched.until(lambda: watched.now["server"].state == "failing" and watched.now["server"].restarts >= 4)
    failing = watched.now["server"]
    assert failing.reason == "exited with 1: the disk is on fire"
    assert failing.tail == ("the disk is on fire",)
    (tmp_path / "broken").unlink()
    ready[0] = True
    watched.until(lambda: watched.now["server"].state == "ready")


def test_a_start_that_keeps_failing_is_given_up_with_the_reason_and_the_log(
    watched: Watched, program: Callable[..., Program], tmp_path: Path
) -> None:
    well = program("well", FOREVER)
    watched.run([well, program("server", "raise SystemExit('no licence')", ready=lambda: False)])
    watched.until(lambda: watched.failure is not None)
    assert str(watched.failure) == (
        f"server does not start: exited with 1: no licence (its log is {tmp_path / 'server.log'})"
    )
    watched.until(lambda: watched.now["well"].state == "stopped")


def test_a_start_that_takes_too_long_is_given_up(watched: Watched, program: Callable[..., Program]) -> None:
    watched.run([program("server", FOREVER, ready=lambda: False, start_seconds=0.2)])
    watched.until(lambda: watched.failure is not None)
    assert "server does not start: not ready after 0 seconds" in str(watched.failure)


def test_a_failed_step_ends_the_start(
    watched: Watched, program: Callable[..., Program], step: Callable[[str, str], Step], tmp_path: Path
) -> None:
    watched.run([step("migrate", "raise SystemExit('table differs')")], [program("worker", FOREVER)])
    watched.until(lambda: watched.failure is not None)
    assert (
        str(watched.failure) == f"migrate failed, it exited with 1: table differs (its log is {tmp_path}/migrate.log)"
    )
    assert not (tmp_path / "worker.log").exists()


def test_stages_stop_in_reverse_order(watched: Watched, program: Callable[..., Program], tmp_path: Path) -> None:
    code = """
import signal, sys, time
def end(*_):
    with open("order", "a") as order: order.write({name!r} + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
open({name!r}, "w").close()
time.sleep(600)
"""
    names = ["first", "second", "third"]
    stages: list[list[Program | Step]] = [
        [program(name, code.format(name=name), ready=(tmp_path / name).exists)] for name in names
    ]
    watched.run(*stages)
    watched.until(watched.started.is_set)
    watched.end()
    assert (tmp_path / "order").read_text().split() == ["third", "second", "first"]
    assert {each.state for each in watched.now.values()} == {"stopped"}


STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(600)"
)


@pytest.mark.parametrize(("grace", "hard"), [(0.3, False), (600, True)])
def test_what_does_not_end_is_killed(
    watched: Watched, program: Callable[..., Program], tmp_path: Path, grace: float, hard: bool
) -> None:
    watched.run([program("server", STUBBORN, ready=(tmp_path / "deaf").exists, stop_seconds=grace)])
    watched.until(watched.started.is_set)
    pid = watched.now["server"].pid
    assert pid
    watched.stop.ask()
    if hard:
        watched.stop.kill()
    watched.end()
    assert not psutil.pid_exists(pid)


def test_a_stop_during_the_start_leaves_nothing(
    watched: Watched, program: Callable[..., Program], step: Callable[[str, str], Step]
) -> None:
    others = set(psutil.Process().children(recursive=True))
    watched.run([program("server", FOREVER)], [step("migrate", FOREVER)])
    watched.until(lambda: watched.now.get("server") is not None and watched.now["server"].state == "ready")
    children = set(psutil.Process().children(recursive=True)) - others
    watched.end()
    assert isinstance(watched.failure, Stopped)
    assert children
    assert not [child for child in children if child.is_running()]


def test_a_child_gets_its_variables_and_a_session_of_its_own(tmp_path: Path) -> None:
    code = "import os; print(os.environ['DOSSIER_DATA'], os.getsid(0) == os.getpid(), os.getcwd())"
    log = tmp_path / "child.log"
    child = spawn(Step("child", (sys.executable, "-S", "-c", code), log, tmp_path, {"DOSSIER_DATA": "a=b c"}))
    assert child.wait(PATIENCE_SECONDS) == 0
    assert log.read_text() == f"a=b c True {tmp_path}\n"


def test_a_program_that_is_not_there_says_so_in_its_log(tmp_path: Path) -> None:
    child = spawn(Step("child", ("/no/such/program",), tmp_path / "child.log", tmp_path))
    assert child.wait(PATIENCE_SECONDS) == 1
    assert (tmp_path / "child.log").read_text() == "/no/such/program cannot be started: No such file or directory\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from deploy.embedded.process import Step, spawn
here = Path({str(tmp_path)!r})
child = spawn(Step("child", (sys.executable, "-S", "-c", "open('up', 'w').close(); {FOREVER}"), here / "log", here))
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (tmp_path / "up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    parent.kill()
    parent.communicate()
    psutil.wait_procs([child], timeout=PATIENCE_SECONDS)
    assert not child.is_running()


def test_a_log_is_bounded_while_the_process_writes(
    watched: Watched, program: Callable[..., Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "bound_log", lambda path: process_logs.bound_log(path, limit=1000))
    code = "import time\nfor n in range(10**9): print('line', n, flush=True); time.sleep(0.0005)"
    watched.run([program("server", code)])
    watched.until((tmp_path / "server.log.1").exists)
    watched.until(lambda: (tmp_path / "server.log").stat().st_size > 0)


def test_a_program_that_is_unhealthy_for_too_long_is_restarted_and_the_reason_is_reported(
    watched: Watched, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "HEALTH_CHECK_SECONDS", 0.01)
    asked: list[int] = []

    def health_problem() -> str:
        asked.append(1)
        return "it hangs" if len(asked) <= 5 else ""

    watched.run([program("worker", FOREVER, health_problem=health_problem, unhealthy_checks=5)])
    watched.until(watched.started.is_set)
    watched.until(lambda: watched.now["worker"].restarts == 1 and watched.now["worker"].state == "ready")
    assert watched.now["worker"].reason == "killed, it was unhealthy for too long (it hangs)"
    watched.until(lambda: len(asked) > 20)
    assert watched.now["worker"].restarts == 1


def test_a_program_that_is_unhealthy_now_and_then_is_left_alone(
    watched: Watched, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "HEALTH_CHECK_SECONDS", 0.01)
    asked: list[int] = []

    def health_problem() -> str:
        asked.append(1)
        return "" if len(asked) % 5 == 0 else "it hangs"

    watched.run([program("worker", FOREVER, health_problem=health_problem, unhealthy_checks=5)])
    watched.until(lambda: len(asked) > 40)
    assert watched.now["worker"].restarts == 0
