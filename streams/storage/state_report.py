"""The local state of all workers that share a directory, as a person wants to read of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from streams.counting.log_position import unpack
from streams.counting.state_store import StateHead, StateOrigin
from streams.errors import StateUnusable
from streams.storage.rocks_state_store import RocksStateStore
from streams.storage.state_folder import CountsOrigin, folders

ReadProgress: TypeAlias = Callable[[], Mapping[int, int]]

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1


def report_state(directory: Path, counts: CountsOrigin, read_progress: ReadProgress) -> list[str]:
    """A line for each folder: its size, and how far the partitions are complete or why they are of no use.

    `read_progress` returns the stored position of each partition. Workers may run meanwhile. Raises StateUnusable where
    the directory cannot be read.
    """
    try:
        return [_line(folder, counts, read_progress) for folder in folders(directory)]
    except OSError as error:
        raise StateUnusable(f"local state in {directory}: {error.strerror}") from error


def _line(folder: Path, counts: CountsOrigin, read_progress: ReadProgress) -> str:
    name = f"{folder.name} ({_size(folder) >> 20} MiB)"
    try:
        heads = read_heads(folder, counts.partitions)
    except StateUnusable as error:
        return f"{name}: {error}"
    # After the heads: a worker moves both, the progress first.
    states = _states(heads, counts.at(folder), read_progress())
    return f"{name}: {'; '.join(states) or 'no partition yet'}"


def read_heads(folder: Path, partitions: int) -> list[StateHead]:
    """The heads in the folder of a worker that may run meanwhile.

    Its compactions delete files that were listed a moment before, so what fails is tried again. Raises StateUnusable.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(StateUnusable):
            return _heads(folder, partitions)
        time.sleep(_PAUSE_SECONDS)
    return _heads(folder, partitions)


def _heads(folder: Path, partitions: int) -> list[StateHead]:
    states = RocksStateStore(folder, read_only=True)
    try:
        found = [states.read_head(partition) for partition in range(partitions)]
    finally:
        states.close()
    return [head for head in found if head]


def _states(heads: Sequence[StateHead], origin: StateOrigin, progress: Mapping[int, int]) -> list[str]:
    """The partitions of each state, as in "partitions 0, 3 complete"."""
    by_state: dict[str, list[str]] = {}
    for head in heads:
        at = progress.get(head.partition, 0)
        state, place = _state(head, origin, at)
        by_state.setdefault(state, []).append(f"{head.partition}{place}")
    return [f"partition {', '.join(places)}: {state}" for state, places in by_state.items()]


def _state(head: StateHead, origin: StateOrigin, progress: int) -> tuple[str, str]:
    if why := head.why_unusable(origin, head.partition, progress):
        return f"of no use, {why}", ""
    if head.scanned is not None:
        return "being restored", ""
    _, offset, _ = unpack(head.complete)
    return "complete", f" up to offset {offset}" if head.complete < progress else ""


def _size(folder: Path) -> int:
    size = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size
