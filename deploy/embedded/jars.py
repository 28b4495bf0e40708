"""Downloads the jars of Apache Kafka: locked by checksum, once for all data directories.

`python -m deploy.embedded.jars --lock` resolves the versions named here and writes the lock file anew.
"""

import argparse
import errno
import fcntl
import hashlib
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from deploy.embedded.progress import Progress, Silence
from deploy.errors import DeployError, DownloadFailed, Stopped, UnusableData

LOCK = Path(__file__).with_name("kafka-jars.lock")
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
"""Kafka and the logging backend its own distribution uses; without one its log stays empty."""

HEADER = "# Written by `python -m deploy.embedded.jars --lock`. Columns: group:artifact:version, SHA-256, bytes.\n"
ATTEMPTS = 3
PAUSE_SECONDS = 1.0
THREADS = 4
TIMEOUT_SECONDS = 20
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class Jar(Struct, frozen=True):
    """One locked file; `coordinate` is group:artifact:version."""

    coordinate: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """The name it is kept under."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def parse_lock(text: str, name: str) -> tuple[Jar, ...]:
    """The jars of a lock file; raises DeployError naming the line that is not one."""
    jars = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match line.split():
            case [coordinate, sha256, size] if coordinate.count(":") == 2 and len(sha256) == 64 and size.isdecimal():
                jars.append(Jar(coordinate, sha256, int(size)))
            case _:
                raise DeployError(f"{name}, line {number} is not a locked jar: write the file anew with --lock")
    return tuple(jars)


def locked_jars() -> tuple[Jar, ...]:
    """The jars of the committed lock."""
    return parse_lock(LOCK.read_text(), str(LOCK))


def jar_folder(data: Path) -> Path:
    """Where jars are kept: in the virtual environment, for all data directories, or else in the data directory.

    Nothing is ever written to the home directory; removing environment and data removes the jars.
    """
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix, "share", "dossier-stream", "jars")
    return data / "jars"


def fetch(
    jars: Sequence[Jar],
    folder: Path,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Path]:
    """The files of `jars` in their order, each verified; what is missing or damaged is downloaded.

    Uses no network when everything is there. Waits for another process that fetches into the same folder. Raises
    DownloadFailed, UnusableData when the disk refuses, and Stopped soon after `stopped()` turns true.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked_folder(folder / ".lock", stopped):
            missing = [jar for jar in jars if not _is_intact(folder / jar.file, jar)]
            if missing:
                _Download(missing, folder, progress or Silence(), stopped).run()
    except OSError as error:
        raise UnusableData(f"{folder} cannot be written: {error.strerror or error}") from error
    return [folder / jar.file for jar in jars]


class _Download:
    """Downloads the missing jars in several threads; the first error ends it, complete jars are kept."""

    def __init__(self, jars: Sequence[Jar], folder: Path, progress: Progress, stopped: Callable[[], bool]) -> None:
        self._folder = folder
        self._partial = folder / ".partial"
        self._progress = progress
        self._stopped = stopped
        self._total = sum(jar.size for jar in jars)
        self._received = dict.fromkeys(jars, 0)
        self._over = False
        self._waiting: queue.SimpleQueue[Jar] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        for jar in jars:
            self._waiting.put(jar)

    def run(self) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)
        # Daemons, because a connection that hangs must not keep a stopped program alive.
        threads = [threading.Thread(target=self._work, daemon=True, name=f"jars-{n}") for n in range(THREADS)]
        try:
            for thread in threads:
                thread.start()
            left = len(self._received)
            while left:
                if self._stopped():
                    raise Stopped("stopped while Kafka was downloaded; what has arrived is kept")
                try:
                    failure = self._finished.get(timeout=0.1)
                except queue.Empty:
                    continue
                if failure:
                    raise failure
                left -= 1
        finally:
            self._over = True
        for thread in threads:
            thread.join()
        shutil.rmtree(self._partial, ignore_errors=True)

    def _work(self) -> None:
        while not self._over:
            try:
                jar = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._fetch(jar)
            except Exception as error:  # raised again in run()
                self._finished.put(error)
                return
            self._finished.put(None)

    def _fetch(self, jar: Jar) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                path = download(jar.coordinate, self._partial / jar.file, lambda count: self._advance(jar, count))
                if _is_intact(path, jar):
                    path.replace(self._folder / jar.file)
                    self._advance(jar, jar.size - self._received[jar])
                    return
                reason = "it does not have the locked checksum"
            except OSError as error:
                if error.errno in DISK_ERRORS:
                    raise
                reason = _innermost(error)
            except RuntimeError:
                reason = "the repository does not offer it"
            self._advance(jar, -self._received[jar])
            if attempt < ATTEMPTS and not self._over:
                time.sleep(attempt * PAUSE_SECONDS)
        raise DownloadFailed(f"{jar.file} cannot be downloaded: {reason}; run the command again to go on from here")

    def _advance(self, jar: Jar, count: int) -> None:
        if self._over:
            raise Stopped("the download was stopped")
        self._received[jar] += count
        self._progress.advance("Downloading Apache Kafka", sum(self._received.values()), self._total)


def download(coordinate: str, folder: Path, received: Callable[[int], None] = lambda _: None) -> Path:
    """Fetch one jar into an own folder, unverified; `received` hears of every chunk's bytes.

    Raises RuntimeError when no repository has it and OSError when the network or the disk fails.
    """
    from jgo.maven import MavenContext, PythonResolver  # needed once in the life of an installation

    @contextmanager
    def chunks(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield received

    shutil.rmtree(folder, ignore_errors=True)
    resolver = PythonResolver(progress_callback=chunks)
    context = MavenContext(resolver, repo_cache=folder, timeout=TIMEOUT_SECONDS)
    return Path(context.create_dependency(coordinate).artifact.resolve())


def resolve(roots: Iterable[str], folder: Path) -> list[str]:
    """The coordinates of `roots` and of all they need at run time, sorted; their descriptions are kept in `folder`."""
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(PythonResolver(), repo_cache=folder, timeout=TIMEOUT_SECONDS)
    # "!" keeps one root's managed versions from overruling what another asks for.
    roots_as_given = [context.create_dependency(f"{root}!") for root in roots]
    found, needed = context.resolver.resolve(roots_as_given)
    return sorted({f"{each.groupId}:{each.artifactId}:{each.version}" for each in [*found, *needed]})


def write_lock(path: Path, roots: Iterable[str] = ROOTS, header: str = HEADER) -> None:
    """Resolve `roots` and write every jar with its checksum and size."""
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for coordinate in resolve(roots, Path(folder, "descriptions")):
            file = download(coordinate, Path(folder, "jar"))
            lines.append(f"{coordinate} {_sha256(file)} {file.stat().st_size}\n")
    path.write_text(header + "".join(lines))


@contextmanager
def locked_folder(path: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Hold this lock file; raises Stopped instead of waiting on for another process once `stopped()` is true."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopped():
                    raise Stopped("stopped while another process downloaded Kafka") from None
                time.sleep(0.1)
        yield


def _is_intact(path: Path, jar: Jar) -> bool:
    return path.is_file() and path.stat().st_size == jar.size and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def main() -> None:
    """Write the lock file anew when asked to, else fetch what it names."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.jars", description=__doc__)
    parser.add_argument("--lock", action="store_true", help="resolve the versions and write the lock file anew")
    if parser.parse_args().lock:
        write_lock(LOCK)
        sys.stdout.write(f"{LOCK}: {len(locked_jars())} jars\n")
    else:
        parser.error("say --lock to write the lock file anew; `dossier up` downloads what it names")


if __name__ == "__main__":
    main()
