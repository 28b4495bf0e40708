"""A worker's folder of local state: its own, found again, and made anew where it is of no use."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec import structs

from streams.counting.log_position import pack
from streams.counting.state_store import StateHead, StateOrigin, StateStore
from streams.counting.store_interface import Stored
from streams.errors import StateUnusable
from streams.storage import state_folder, state_report
from streams.storage.rocks_state_store import RocksStateStore
from streams.storage.state_folder import CountsOrigin, StateFolder, folders
from streams.storage.state_report import report_state

COUNTS = CountsOrigin(2, "topic-id", 8, "dossiers")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def filled(directory: Path, name: str | None = "worker-1") -> StateOrigin:
    """Leave a folder with a complete partition 3 behind, as another process does; returns its origin."""
    with closing(RocksStateStore(directory / (name or ".unnamed-1"))) as states:
        origin = COUNTS.at(directory / (name or ".unnamed-1"))
        states.write({"D1": Stored(5, b"x", 1)}, StateHead(origin, 3, 9, 5, None))
    (directory / f"{name or '.unnamed-1'}.lock").touch()
    return origin


def opened(stack: ExitStack, folder: StateFolder) -> tuple[StateStore, StateOrigin]:
    states, origin = folder.open()
    stack.enter_context(closing(states))
    return states, origin


def test_a_named_worker_finds_its_own_again(tmp_path: Path, stack: ExitStack) -> None:
    origin = filled(tmp_path)
    states, now = opened(stack, StateFolder(tmp_path, "worker-1", COUNTS))
    assert now == origin
    assert states.read(3, ["D1"], 100) == (1, {"D1": Stored(5, b"x", 1)})
    assert opened(stack, StateFolder(tmp_path, "worker-2", COUNTS))[0].read_head(3) is None


def test_workers_without_a_name_take_the_first_that_is_free(tmp_path: Path, stack: ExitStack) -> None:
    filled(tmp_path, None)
    assert opened(stack, StateFolder(tmp_path, None, COUNTS))[0].read_head(3)
    assert opened(stack, StateFolder(tmp_path, None, COUNTS))[0].read_head(3) is None
    assert [folder.name for folder in folders(tmp_path)] == [".unnamed-1", ".unnamed-2"]


def test_one_process_has_it_at_a_time(tmp_path: Path, stack: ExitStack) -> None:
    opened(stack, StateFolder(tmp_path, "worker-1", COUNTS))
    with pytest.raises(StateUnusable, match=r"local state in .*/worker-1: another process uses it"):
        StateFolder(tmp_path, "worker-1", COUNTS).open()


def test_one_that_is_deleted_and_released_is_free(tmp_path: Path, stack: ExitStack) -> None:
    folder = StateFolder(tmp_path, "worker-1", COUNTS)
    folder.open()[0].close()
    folder.delete()
    folder.release()
    assert folders(tmp_path) == []
    opened(stack, StateFolder(tmp_path, "worker-1", COUNTS))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["..", ".", "a/b", "/etc", "Đô thị", ".unnamed-1", "%2E", "x" * 255])
def test_any_name_of_a_worker_is_a_folder_in_the_directory(tmp_path: Path, stack: ExitStack, name: str) -> None:
    opened(stack, StateFolder(tmp_path / "state", name, COUNTS))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    (folder,) = folders(tmp_path / "state")
    assert not folder.name.startswith(".")


@pytest.mark.slow
@pytest.mark.parametrize(
    "counts",
    [
        structs.replace(COUNTS, epoch=4),
        structs.replace(COUNTS, topic_id="another"),
        structs.replace(COUNTS, partitions=9),
        structs.replace(COUNTS, database="another"),
    ],
    ids=["epoch", "topic", "partitions", "database"],
)
def test_what_is_of_other_counts_is_deleted(tmp_path: Path, stack: ExitStack, counts: CountsOrigin) -> None:
    filled(tmp_path)
    states, _ = opened(stack, StateFolder(tmp_path, "worker-1", counts))
    assert states.read_head(3) is None
    assert states.read(3, ["D1"], 100) == (1, {})


def test_what_was_written_before_the_machine_started_is_deleted(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    (tmp_path / "boot_id").write_text("another\n")
    monkeypatch.setattr(state_folder, "_BOOT_ID", tmp_path / "boot_id")
    assert opened(stack, StateFolder(tmp_path, "worker-1", COUNTS))[0].read_head(3) is None


def test_a_copy_of_another_workers_folder_is_deleted(tmp_path: Path, stack: ExitStack) -> None:
    filled(tmp_path)
    shutil.copytree(tmp_path / "worker-1", tmp_path / "worker-2")
    assert opened(stack, StateFolder(tmp_path, "worker-2", COUNTS))[0].read_head(3) is None


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["CURRENT", "MANIFEST", "everything"])
def test_a_broken_one_is_made_anew(tmp_path: Path, stack: ExitStack, damage: str) -> None:
    filled(tmp_path)
    for file in (tmp_path / "worker-1").iterdir():
        if damage in file.name or damage == "everything":
            file.write_bytes(b"\0" * 100)
    states, origin = opened(stack, StateFolder(tmp_path, "worker-1", COUNTS))
    assert states.read_head(3) is None
    states.write({}, StateHead(origin, 3, 1))


def test_a_directory_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnusable, match=r"local state in .*/file: (File exists|Not a directory)"):
        StateFolder(tmp_path / "file", "worker-1", COUNTS).open()


_ENDLESS_WRITER = """
import sys
from pathlib import Path
from streams.counting.state_store import StateHead
from streams.counting.store_interface import Stored
from streams.storage.state_folder import CountsOrigin, StateFolder
states, origin = StateFolder(Path(sys.argv[1]), "worker-1", CountsOrigin(2, "topic-id", 8, "dossiers")).open()
for pos in range(1, 10**9):
    states.write({f"D{n}": Stored(pos, b"%d" % pos * 20) for n in range(200)}, StateHead(origin, 3, pos, pos, None))
    if pos == 20:
        print("written", flush=True)
"""


@pytest.mark.process
def test_a_process_that_is_killed_while_it_writes_leaves_entries_and_head_of_one_write(
    tmp_path: Path, stack: ExitStack
) -> None:
    process = subprocess.Popen([sys.executable, "-c", _ENDLESS_WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    states, _ = opened(stack, StateFolder(tmp_path, "worker-1", COUNTS))
    head = states.read_head(3)
    assert head
    assert head.complete >= 20
    _, found = states.read(3, [f"D{n}" for n in range(200)], 1 << 30)
    assert {stored.pos for stored in found.values()} == {head.complete}
    assert len(found) == 200


class TestReport:
    def test_each_folder_with_its_partitions(self, tmp_path: Path) -> None:
        reached = pack(2, 7, 5)
        with closing(RocksStateStore(tmp_path / "worker-1")) as states:
            origin = COUNTS.at(tmp_path / "worker-1")
            for partition, complete, scanned in (
                (0, reached, None),
                (1, reached, None),
                (2, pack(2, 4, 0), None),
                (3, 1, "D1"),
                (4, reached + 1, None),
            ):
                states.write({}, StateHead(origin, partition, complete, 0, scanned))
            states.write({}, StateHead(structs.replace(origin, boot="before"), 5, 0))
            (tmp_path / "worker-1.lock").touch()
            (tmp_path / "worker-2.lock").touch()
            RocksStateStore(tmp_path / "worker-2").close()
            assert report_state(tmp_path, COUNTS, lambda: dict.fromkeys(range(8), reached)) == [
                "worker-1 (0 MiB): partition 0, 1, 2 up to offset 4: complete; partition 3: being restored; "
                "partition 4: of no use, it is newer than the stored progress; "
                "partition 5: of no use, it is of another boot",
                "worker-2 (0 MiB): no partition yet",
            ]

    @pytest.mark.slow
    def test_one_that_is_broken(self, tmp_path: Path) -> None:
        filled(tmp_path)
        (tmp_path / "worker-1" / "CURRENT").write_text("nothing")
        (line,) = report_state(tmp_path, COUNTS, dict)
        assert line.startswith("worker-1 (0 MiB): local state in ")

    @pytest.mark.slow
    def test_files_that_a_compaction_deletes_meanwhile_are_read_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(tmp_path)
        failures = 2

        def compacting(folder: Path, *, read_only: bool) -> RocksStateStore:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise StateUnusable("Corruption: Can't access /000024.sst")
            return RocksStateStore(folder, read_only=read_only)

        monkeypatch.setattr(state_report, "RocksStateStore", compacting)
        (line,) = report_state(tmp_path, COUNTS, lambda: {3: 9})
        assert line == "worker-1 (0 MiB): partition 3: complete"
        failures = 1000
        (line,) = report_state(tmp_path, COUNTS, dict)
        assert line == "worker-1 (0 MiB): Corruption: Can't access /000024.sst"

    def test_no_directory(self, tmp_path: Path) -> None:
        assert report_state(tmp_path / "none", COUNTS, dict) == []
        assert not list(tmp_path.iterdir())
