"""The steps of a schedule: what workers, the group and the network may do.

Every step carries all that it needs and does nothing where it cannot be taken, so that a schedule from which steps were
dropped is still a schedule.
"""

from typing import TypeAlias

from msgspec import Struct


class Part(Struct, frozen=True):
    """Records of a batch: so many of this partition, after going back by some that came before."""

    partition: int
    records: int
    back: int = 0


class Take(Struct, frozen=True):
    """A worker takes a batch; `clock` is how many seconds its clock is wrong.

    `meanwhile` happens while it counts: before its first read of the database or write of an earlier batch, before the
    second, and so on.
    """

    worker: int
    parts: tuple[Part, ...]
    clock: int = 0
    meanwhile: tuple[tuple["Step", ...], ...] = ()


class Write(Struct, frozen=True):
    """A worker's flush does its next insert, the one of events if `beside`.

    With a `part` below 1 the insert fails when that part of its rows is in, chosen by `chance`; it is then repeated.
    """

    worker: int
    beside: bool = False
    part: float = 1.0
    chance: int = 0


class Tick(Struct, frozen=True):
    """Time passes for a worker, which then writes what is due."""

    worker: int
    seconds: float


class Acknowledge(Struct, frozen=True):
    """A worker commits the offsets of what is flushed; the group takes them for partitions that it has."""

    worker: int


class Crash(Struct, frozen=True):
    """A worker ends at once and starts anew; `heir` gets its partitions.

    The inserts in flight are lost, or else arrive later (`late`). `back` is by how much the heir begins earlier.
    """

    worker: int
    heir: int
    late: bool = False
    back: int = 0


class Move(Struct, frozen=True):
    """A partition goes to a worker, perhaps to the one that has it, which begins `back` before the committed offset.

    The former owner is `notified` or not, and goes on taking what it believes to own unless it `stops`.
    """

    partition: int
    to: int
    notified: bool = True
    stops: bool = True
    back: int = 0


class Rewind(Struct, frozen=True):
    """A worker gets records of a partition once more, from some records before."""

    worker: int
    partition: int
    back: int


class Skip(Struct, frozen=True):
    """A worker's consumer leaves out records of a partition: it must go on only where they are counted already."""

    worker: int
    partition: int
    records: int


class Again(Struct, frozen=True):
    """An insert of former times arrives once more: `rows` rows of a table from a place between 0 and 1 in its past."""

    table: str
    place: float
    rows: int


class Late(Struct, frozen=True):
    """An insert of a worker that crashed arrives, a `part` of it chosen by `chance`."""

    part: float = 1.0
    chance: int = 0


class Restore(Struct, frozen=True):
    """A worker goes on restoring its local state, by so many steps; it opens one that it has given up."""

    worker: int
    steps: int


class FailState(Struct, frozen=True):
    """The next write of a worker's local state fails."""

    worker: int


class KeepState(Struct, frozen=True):
    """Somebody copies the local state of a worker."""

    worker: int


class ReplaceState(Struct, frozen=True):
    """A worker crashes, and before it starts again somebody replaces its local state.

    By what another worker has, or else by the last copy `kept` of that worker's.
    """

    worker: int
    of: int
    kept: bool


class Backup(Struct, frozen=True):
    """Somebody takes a backup of the database."""


class RestoreBackup(Struct, frozen=True):
    """Somebody stops all workers, restores the last backup, moves the group's offsets back, and starts them again."""


Step: TypeAlias = (
    Take
    | Write
    | Tick
    | Acknowledge
    | Crash
    | Move
    | Rewind
    | Skip
    | Again
    | Late
    | Restore
    | FailState
    | KeepState
    | ReplaceState
    | Backup
    | RestoreBackup
)
