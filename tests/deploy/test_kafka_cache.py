"""The cache of Kafka's classes: Java takes it, one for each installation, and Kafka starts where there is none."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.embedded import kafka_cache as caches
from deploy.embedded.jars import jar_folder, locked_jars
from deploy.embedded.kafka_cache import kafka_cache
from deploy.embedded.kafka_program import BROKER_OPTIONS, java
from deploy.embedded.progress import Silence
from deploy.errors import Stopped


class Told(Silence):
    """Keeps what the operator reads."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def jars(tmp_path: Path) -> list[Path]:
    """Files that are no jars."""
    files = [tmp_path / "a.jar", tmp_path / "b.jar"]
    for file in files:
        file.write_text("no jar")
    return files


def run_from(cache: Path, jars: Sequence[Path], folder: Path) -> int:
    """How Java ends when it must use this cache or fail."""
    command = java(cache, "-XX:AOTMode=on", *BROKER_OPTIONS, "-version")
    environment = {**os.environ, "CLASSPATH": ":".join(map(str, jars)), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False).returncode


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka")
def test_java_takes_the_cache_that_the_first_broker_made_and_no_other_is_made(tmp_path: Path) -> None:
    folder, told = jar_folder(tmp_path), Told()
    jars = [folder / jar.file for jar in locked_jars()]
    before = {path: path.stat().st_mtime_ns for path in folder.glob("kafka-*.aot")}
    cache = kafka_cache(jars, folder, told, lambda: False)
    assert cache
    assert {cache: cache.stat().st_mtime_ns} == before
    assert told.lines == []
    assert run_from(cache, jars, tmp_path) == 0
    assert run_from(cache, jars[1:], tmp_path) == 1


@pytest.mark.process
def test_where_java_makes_none_kafka_starts_without_and_one_line_says_why(jars: list[Path], tmp_path: Path) -> None:
    told = Told()
    assert kafka_cache(jars, tmp_path, told, lambda: False) is None
    [line] = told.lines
    assert line.startswith("Kafka starts without a cache of its classes, in twice the time: kafka-format exited with 1")
    assert "kafka.tools.StorageTool" in line
    assert {path.name for path in tmp_path.iterdir()} == {"a.jar", "b.jar", ".cache.lock"}


@pytest.mark.process
def test_it_stops_when_asked_to_and_leaves_nothing(jars: list[Path], tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        kafka_cache(jars, tmp_path, Silence(), lambda: True)
    assert {path.name for path in tmp_path.iterdir()} == {"a.jar", "b.jar", ".cache.lock"}


def test_other_jars_get_a_cache_of_their_own_and_former_ones_go(
    jars: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def train(jars: Sequence[Path], _folder: Path, output: Path, _stopped: object) -> None:
        trained.append(list(jars))
        output.write_text("a cache")

    monkeypatch.setattr(caches, "_train", train)
    first = kafka_cache(jars, tmp_path, Silence(), lambda: False)
    assert first == kafka_cache(jars, tmp_path, Silence(), lambda: False)
    (tmp_path / ".training-killed").mkdir()
    jars[0].write_text("another")
    second = kafka_cache(jars, tmp_path, Silence(), lambda: False)
    assert second not in (None, first)
    assert trained == [jars, jars]
    assert list(tmp_path.glob("*.aot")) == [second]
    assert not (tmp_path / ".training-killed").exists()
