"""Crash points: named places at which a worker is killed, or suspended, on demand.

The harness arms a point by a file; the first worker that reaches it takes the file and acts. None of this is in the
product: the points are in wrappers around the store, the pipeline and the stream.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from random import random
from threading import Timer
from typing import Literal

import msgspec
from msgspec import Struct

from schemas.tables import EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.state_store import StateHead, StateOrigin, StateStore
from streams.counting.store_interface import Checkpoint, Row, Store, Stored, WindowRow
from streams.storage.state_folder import CountsOrigin, StateFolder

POINTS = {
    "counted": "after a batch was counted, before anything of it but raw events is written",
    "events-written": "after raw events, beside the windows",
    "windows-half": "in the middle of the windows",
    "windows-written": "after the windows, before the facts",
    "facts-half": "in the middle of the facts",
    "facts-written": "after the facts, before the progress",
    "before-ack": "after the progress, before the acknowledgement",
    "after-ack": "after an acknowledgement, before the commit",
    "rebalance": "while partitions are revoked",
    "state-before": "after everything else of a batch, before it enters local state",
    "state-during": "while local state is written",
    "state-after": "after a write of local state",
    "shutdown": "in the middle of the last flush of a worker that was told to stop",
}
"""Every crash point, and where it is."""

_WRITTEN = {EVENTS.name: "events-written", WINDOWS.name: "windows-written", FACTS.name: "facts-written"}
_HALF = {WINDOWS.name: "windows-half", FACTS.name: "facts-half"}
_SHUTTING_DOWN_SECONDS = 0.5
"""Long enough for a worker to react to SIGTERM, shorter than its shutdown timeout."""


class Armed(Struct, frozen=True):
    """A point at which a worker is killed or suspended, the `nth` time that one process reaches it."""

    point: str
    nth: int = 1
    act: Literal["kill", "stop"] = "kill"


class Trap:
    """The file by which the harness arms one point at a time; used by both sides."""

    def __init__(self, folder: Path) -> None:
        self._armed = folder / "armed"
        self._taken = folder / f"taken-{os.getpid()}"
        self._triggered = folder / "triggered"
        self._held: Armed | None = None
        self._left = 0

    # The harness

    def arm(self, armed: Armed) -> None:
        """Arm a point; one that was not reached is replaced."""
        self._triggered.unlink(missing_ok=True)
        partial = self._armed.with_suffix(".new")
        partial.write_bytes(msgspec.json.encode(armed))
        partial.replace(self._armed)

    def disarm(self) -> None:
        """Disarm it, unless a worker has taken it already."""
        self._armed.unlink(missing_ok=True)

    @property
    def victim(self) -> int | None:
        """The pid of the worker that was killed or suspended."""
        try:
            return int(self._triggered.read_text() or 0) or None
        except FileNotFoundError:
            return None

    # The worker

    def at(self, point: str) -> None:
        """Kill or suspend this process, if this point is armed."""
        if self.is_due(point):
            self.trigger()

    def is_due(self, point: str) -> bool:
        """Whether this point is armed, and now reached for the nth time."""
        if self._armed.exists():
            with suppress(FileNotFoundError):
                self._armed.rename(self._taken)
                self._held = msgspec.json.decode(self._taken.read_bytes(), type=Armed)
                self._left = self._held.nth
                self._taken.unlink()
        if self._held is None or self._held.point != point:
            return False
        self._left -= 1
        return self._left <= 0

    def trigger(self) -> None:
        """Record the pid, then kill or suspend this process by a signal: nothing is flushed or reported."""
        act = self._held.act if self._held else "kill"
        self._held = None
        partial = self._triggered.with_suffix(f".{os.getpid()}")
        partial.write_text(str(os.getpid()))
        partial.replace(self._triggered)
        os.kill(os.getpid(), signal.SIGSTOP if act == "stop" else signal.SIGKILL)


class TrappedStateStore(StateStore):
    """A state store with a crash point before, in and after each write."""

    def __init__(self, states: StateStore, trap: Trap) -> None:
        self._states = states
        self._trap = trap

    def read_head(self, partition: int) -> StateHead | None:
        """The head."""
        return self._states.read_head(partition)

    def read(self, partition: int, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts."""
        return self._states.read(partition, dossiers, max_bytes)

    def write(self, facts: Mapping[str, Stored], head: StateHead) -> None:
        """Write the facts and the head."""
        self._trapped(lambda: self._states.write(facts, head))

    def reset(self, head: StateHead) -> None:
        """Drop the entries."""
        self._trapped(lambda: self._states.reset(head))

    def close(self) -> None:
        """Close it."""
        self._states.close()

    def _trapped(self, write: Callable[[], None]) -> None:
        self._trap.at("state-before")
        if self._trap.is_due("state-during"):
            Timer(random() / 1000, self._trap.trigger).start()
        write()
        self._trap.at("state-after")


class TrappedStore(Store):
    """A store with a crash point before windows are written, and in the middle and at the end of each write."""

    def __init__(self, store: Store, trap: Trap) -> None:
        self._store = store
        self._trap = trap

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts."""
        return self._store.read_facts(dossiers, max_bytes)

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        """The windows."""
        return self._store.read_windows(windows)

    def read_newest(self, partition: int) -> int:
        """The newest window."""
        return self._store.read_newest(partition)

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        """The facts of the partition."""
        return self._store.read_facts_past(partition, pos, after, rows)

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        """The numbers of its cases."""
        return self._store.read_case_numbers(partition, pos)

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        """How far counting is."""
        return self._store.read_checkpoints(topic)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Write the rows, or half of them and no more."""
        if rows and table is WINDOWS:
            self._trap.at("counted")
        if rows and self._trap.is_due(_HALF.get(table.name, "")):
            self._store.write(table, rows[: len(rows) // 2])
            self._trap.trigger()
        if table is WINDOWS and rows and self._trap.is_due("shutdown"):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(_SHUTTING_DOWN_SECONDS)
            self._store.write(table, rows[: len(rows) // 2])
            self._trap.trigger()
        self._store.write(table, rows)
        if rows and table.name in _WRITTEN:
            self._trap.at(_WRITTEN[table.name])
        if table is PROGRESS:
            self._trap.at("before-ack")


class TrappedStateFolder(StateFolder):
    """A folder whose state store has crash points."""

    def __init__(self, directory: Path, name: str, counts: CountsOrigin, trap: Trap) -> None:
        super().__init__(directory, name, counts)
        self._trap = trap

    def open(self) -> tuple[StateStore, StateOrigin]:
        """Open it."""
        states, origin = super().open()
        return TrappedStateStore(states, self._trap), origin
