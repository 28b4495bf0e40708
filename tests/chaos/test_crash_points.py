import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.crash_points import POINTS, Armed, Trap, TrappedStateStore, TrappedStore
from chaos.memory_state_store import MemoryStateStore
from chaos.memory_store import MemoryStore
from schemas.tables import FACTS, PROGRESS, WINDOWS
from streams.counting.state_store import StateHead, StateOrigin

HEAD = StateHead(StateOrigin(1, "topic-id", 8, "dossiers", "boot", "folder"), 3, 9)

WORKER = """
import sys
from pathlib import Path
from chaos.crash_points import Trap
trap = Trap(Path(sys.argv[1]))
for _ in range(5):
    print("at", flush=True)
    trap.at("counted")
"""


def worker(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WORKER, str(folder)], capture_output=True, text=True, check=False)


@pytest.mark.process
def test_a_worker_dies_at_the_point_it_was_armed_for(tmp_path: Path) -> None:
    trap = Trap(tmp_path)
    trap.arm(Armed("counted", nth=3))
    ended = worker(tmp_path)
    assert (ended.returncode, ended.stdout) == (-9, "at\n" * 3)
    assert trap.victim is not None


@pytest.mark.process
def test_a_trap_springs_once(tmp_path: Path) -> None:
    Trap(tmp_path).arm(Armed("counted"))
    assert worker(tmp_path).returncode == -9
    assert worker(tmp_path).returncode == 0


@pytest.mark.process
def test_other_points_are_passed(tmp_path: Path) -> None:
    trap = Trap(tmp_path)
    trap.arm(Armed("windows-half"))
    assert worker(tmp_path).returncode == 0
    assert trap.victim is None


class Noted(Trap):
    """A trap that only notes where it would have sprung."""

    def __init__(self, folder: Path, point: str) -> None:
        super().__init__(folder)
        self.arm(Armed(point))
        self.sprung = 0

    def trigger(self) -> None:
        self.sprung += 1


def test_half_of_the_rows_are_written_before_a_crash_in_the_middle(tmp_path: Path) -> None:
    store = MemoryStore()
    half = Noted(tmp_path, "windows-half")
    rows = [(f"H{n}", 0, 0, 5, *[0] * (len(WINDOWS.columns) - 4)) for n in range(4)]
    written: list[int] = []
    half.trigger = lambda: written.append(len(store.rows[WINDOWS.name]))  # type: ignore[method-assign]  # looks, lives on
    TrappedStore(store, half).write(WINDOWS, rows)
    assert written == [2]


def test_each_point_lies_where_it_says(tmp_path: Path) -> None:
    """Windows, facts and progress are written, and enter local state: each point of the stores is met once."""
    met = {}
    for point in POINTS.keys() - {"shutdown"}:  # which stops the process it is in
        (tmp_path / point).mkdir()
        trap = Noted(tmp_path / point, point)
        store = TrappedStore(MemoryStore(), trap)
        for table in (WINDOWS, FACTS, PROGRESS):
            store.write(table, [tuple(0 for _ in table.columns)])
        TrappedStateStore(MemoryStateStore(), trap).write({}, HEAD)
        deadline = time.monotonic() + 10
        while point == "state-during" and not trap.sprung and time.monotonic() < deadline:
            time.sleep(0.001)  # another thread springs it
        met[point] = trap.sprung
    in_the_store = {"counted", "windows-half", "windows-written", "facts-half", "facts-written", "before-ack"}
    in_the_state = {"state-before", "state-during", "state-after"}
    assert met == dict.fromkeys(met, 0) | dict.fromkeys(in_the_store | in_the_state, 1)
