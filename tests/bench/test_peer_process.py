import sys
from pathlib import Path

import pytest

from bench.peers.errors import CannotRun, Failed, NotInstalled
from bench.peers.installation import Installation
from bench.peers.peer_process import Process
from bench.peers.peer_task import Meter, Task
from bench.peers.systems import PEERS
from bench.peers.throughput import Pace, Used
from bench.process_usage import NOTHING

COUNTING = """
import time
from bench.peers.peer_task import Meter, Task
task = Task.from_environment()
meter = Meter(task.folder)
for _ in range({events}):
    meter.add()
    sum(range(20_000))
task.write_counts([("H26.01", 0, "paid", {events})])
{then}
"""


def process(folder: Path, code: str) -> Process:
    task = Task("127.0.0.1:1", "name", "topic", "output", folder / "peer")
    return Process(task, (sys.executable, "-c", code), {})


@pytest.mark.process
def test_a_peer_is_followed_to_its_last_event_and_its_cpu_seconds_are_known_after_its_end(tmp_path: Path) -> None:
    with process(tmp_path, COUNTING.format(events=500, then="")) as peer:
        pace = Pace(500, lambda: Used(0.0, peer.usage(), NOTHING))
        peer.follow(pace)
        peer.wait()
        assert peer.usage().cpu_seconds > 0.05
        assert peer.usage().peak_mb > 1
    assert (tmp_path / "peer" / "counts.json").exists()


@pytest.mark.process
def test_a_killed_peer_goes_on_with_its_meter(tmp_path: Path) -> None:
    with process(tmp_path, COUNTING.format(events=200, then="time.sleep(60)")) as peer:
        peer.wait_for(200)
        peer.kill()
        peer.start()
        peer.wait_for(400)
        peer.finish()
    assert Meter(tmp_path / "peer").read() == (True, 400)


@pytest.mark.process
def test_a_peer_that_ends_too_soon_has_failed_and_its_last_words_are_told(tmp_path: Path) -> None:
    with (
        process(tmp_path, COUNTING.format(events=5, then="raise SystemExit('no such topic')")) as peer,
        pytest.raises(Failed, match="exited with 1: no such topic"),
    ):
        peer.wait_for(10)


@pytest.mark.process
def test_a_peer_that_lacks_something_here_says_what(tmp_path: Path) -> None:
    code = "import sys; print('this build has no such engine'); sys.exit(3)"
    with process(tmp_path, code) as peer, pytest.raises(CannotRun, match="cannot run here: this build has no such"):
        peer.wait_for(10)


def test_peers_that_are_no_dependencies_say_that_they_are_not_installed(tmp_path: Path) -> None:
    missing = set()
    for peer in PEERS:
        try:
            peer.command(Installation(tmp_path))
        except NotInstalled:
            missing.add(peer.name)
    assert missing == {"quix", "quix-exactly-once", "bytewax", "kafka-streams", "kafka-streams-exactly-once"}


def test_without_a_java_compiler_the_java_peer_is_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(Installation, "_install_python", lambda *_: None)
    said: list[str] = []
    Installation(tmp_path).install(said.append)
    assert said[-1] == "kafka-streams cannot be installed: there is no javac: install a JDK"
