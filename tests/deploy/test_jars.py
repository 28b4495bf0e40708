"""Jars are fetched once, verified, and never half there."""

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded import jars
from deploy.embedded.jars import ROOTS, Jar, fetch, locked_jars, parse_lock
from deploy.errors import DeployError, DownloadFailed, Stopped, UnusableData

CONTENT = {f"org.example:part-{n}:1.0": b"jar %d" % n * 100 for n in range(6)}
JARS = [Jar(name, hashlib.sha256(content).hexdigest(), len(content)) for name, content in CONTENT.items()]


class Repository:
    """Stands in for the download of one file; `broken` maps a coordinate to what goes wrong each time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken: dict[str, list[Exception | bytes]] = {}

    def download(self, coordinate: str, folder: Path, received: Callable[[int], None]) -> Path:
        self.asked.append(coordinate)
        problems = self.broken.get(coordinate, [])
        content = problems.pop(0) if problems else CONTENT[coordinate]
        received(10)
        if isinstance(content, Exception):
            raise content
        folder.mkdir(parents=True, exist_ok=True)
        received(len(content) - 10)
        (folder / "file").write_bytes(content)
        return folder / "file"


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository()
    monkeypatch.setattr(jars, "download", repository.download)
    monkeypatch.setattr(jars, "PAUSE_SECONDS", 0.0)
    return repository


class Seen:
    """Remembers progress."""

    def __init__(self) -> None:
        self.last = (0, 0)

    def advance(self, _task: str, done: int, total: int) -> None:
        self.last = (done, total)

    def say(self, line: str) -> None:
        raise AssertionError(line)


def test_the_lock_pins_kafka_with_a_logging_backend() -> None:
    locked = {jar.coordinate for jar in locked_jars()}
    assert set(ROOTS) <= locked
    version = ROOTS[0].rpartition(":")[2]
    assert f"org.apache.kafka:kafka-clients:{version}" in locked
    assert len({jar.file for jar in locked_jars()}) == len(locked)


def test_a_damaged_lock_names_its_line() -> None:
    with pytest.raises(DeployError, match=r"x\.lock, line 2 "):
        parse_lock("# comment\norg.example:part:1.0 abc 12\n", "x.lock")


def test_files_come_verified_in_the_order_of_the_lock(tmp_path: Path, repository: Repository) -> None:
    seen = Seen()
    paths = fetch(JARS, tmp_path, seen)
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert sorted(repository.asked) == sorted(CONTENT)
    total = sum(jar.size for jar in JARS)
    assert seen.last == (total, total)


def test_what_is_there_is_not_fetched_again(tmp_path: Path, repository: Repository) -> None:
    fetch(JARS, tmp_path)
    repository.asked.clear()
    fetch(JARS, tmp_path)
    assert repository.asked == []
    (tmp_path / JARS[2].file).write_bytes(b"damaged")
    fetch(JARS, tmp_path)
    assert repository.asked == [JARS[2].coordinate]


def test_a_hiccup_is_tried_again(tmp_path: Path, repository: Repository) -> None:
    seen = Seen()
    repository.broken[JARS[0].coordinate] = [ConnectionError("reset"), b"something else altogether"]
    assert fetch(JARS, tmp_path, seen)[0].read_bytes() == CONTENT[JARS[0].coordinate]
    assert seen.last[0] == seen.last[1]


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (ConnectionError("Name or service not known"), "Name or service not known"),
        (RuntimeError("404"), "the repository does not offer it"),
        (b"something else altogether", "it does not have the locked checksum"),
    ],
)
def test_a_lasting_failure_is_one_line_and_keeps_the_rest(
    tmp_path: Path, repository: Repository, problem: Exception | bytes, reason: str
) -> None:
    bad = JARS[-1]
    repository.broken[bad.coordinate] = [problem] * jars.ATTEMPTS
    with pytest.raises(DownloadFailed) as caught:
        fetch(JARS, tmp_path)
    assert str(caught.value).startswith(f"{bad.file} cannot be downloaded: {reason}; run the command again")
    assert not (tmp_path / bad.file).exists()
    repository.asked.clear()
    fetch(JARS, tmp_path)
    assert bad.coordinate in repository.asked
    assert len(repository.asked) < len(JARS)


def test_a_full_disk_is_not_tried_again(tmp_path: Path, repository: Repository) -> None:
    repository.broken[JARS[0].coordinate] = [OSError(errno.ENOSPC, "No space left on device")]
    with pytest.raises(UnusableData, match="No space left on device"):
        fetch(JARS, tmp_path)
    assert repository.asked.count(JARS[0].coordinate) == 1


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "jars").write_text("")
    with pytest.raises(UnusableData, match=r"jars cannot be written: "):
        fetch(JARS, tmp_path / "jars")


def test_stops_when_told(tmp_path: Path, repository: Repository) -> None:
    with pytest.raises(Stopped):
        fetch(JARS, tmp_path, stopped=lambda: len(repository.asked) >= 0)
