"""The folder of a worker's local state: one process has it at a time, and it is deleted where it is of no use."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
from msgspec import Struct

from streams.counting.identity import Identity
from streams.counting.state_store import StateOrigin, StateStore
from streams.errors import StateUnusable
from streams.storage.deployment_plan import Plan
from streams.storage.migration import find_origin
from streams.storage.rocks_state_store import RocksStateStore

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOCK = ".lock"
_LONGEST_NAME = 200
_UNNAMED = 64
"""So many workers without a name may have local state in one directory at the same time."""


class CountsOrigin(Struct, frozen=True):
    """What the stored counts are of."""

    epoch: int
    topic_id: str
    partitions: int
    database: str

    def at(self, folder: Path) -> StateOrigin:
        """What entries in this folder, written since the machine has started, belong to; raises OSError."""
        place = folder.stat()
        identity = f"{place.st_dev}:{place.st_ino}"
        return StateOrigin(self.epoch, self.topic_id, self.partitions, self.database, _boot_id(), identity)


def counts_origin(plan: Plan, identity: Identity) -> CountsOrigin:
    """What counts of this identity are of, as local state names it; raises as `find_origin`."""
    return CountsOrigin(identity.epoch, find_origin(plan).topic_id, identity.partitions, plan.clickhouse.database)


class StateFolder:
    """A worker's folder in `directory`: that of its name, or the first that is free where it has none.

    Named workers find their entries again, and so does whoever comes after workers without a name, whatever their
    number was: no folder is left behind for good.
    """

    def __init__(self, directory: Path, name: str | None, counts: CountsOrigin) -> None:
        self._directory = directory
        self._name = name
        self._counts = counts
        self._folder: Path | None = None
        self._lock_file = -1

    def open(self) -> tuple[StateStore, StateOrigin]:
        """Open the state store and return it with the origin that its entries must have.

        One that is broken, or has no partition of this origin, is made anew. Raises StateUnusable.
        """
        try:
            self._folder = folder = self._folder or self._lock()
            try:
                states = RocksStateStore(folder)
            except StateUnusable:
                self.delete()
                states = RocksStateStore(folder)
            origin = self._counts.at(folder)
            heads = [states.read_head(partition) for partition in range(origin.partitions)]
            if not any(head is not None and head.origin == origin for head in heads):
                states.close()
                self.delete()
                states = RocksStateStore(folder)
                origin = self._counts.at(folder)
        except OSError as error:
            raise StateUnusable(f"local state in {self._folder or self._directory}: {error.strerror}") from error
        return states, origin

    def delete(self) -> None:
        """Delete the content; the state store must be closed."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def release(self) -> None:
        """Let others have it; the state store must be closed."""
        if self._folder:
            self._folder = None
            os.close(self._lock_file)

    def _lock(self) -> Path:
        """Lock the folder, which need not exist; raises StateUnusable or OSError."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in [_file_name(self._name)] if self._name else _unnamed():
            folder = self._directory / name
            # It is released when the process ends, however it does.
            lock = os.open(folder.with_name(name + _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                self._lock_file = lock
                return folder
        raise StateUnusable(f"local state in {self._directory / name}: another process uses it")


def folders(directory: Path) -> list[Path]:
    """The folders of all workers that have or had local state in this directory; raises OSError."""
    locks = directory.glob(f"*{_LOCK}") if directory.is_dir() else ()
    return sorted(folder for lock in locks if (folder := lock.with_suffix("")).is_dir())


def _file_name(name: str) -> str:
    """A file name of its own for each name; the dot of a name like `..` is escaped, too."""
    return quote(name, safe="").replace(".", "%2E")[:_LONGEST_NAME]


def _unnamed() -> Iterator[str]:
    # No name of a worker has a file name that begins like this.
    return (f".unnamed-{number}" for number in range(1, _UNNAMED + 1))


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))
