"""What local state needs of a key-value store beside the worker: RocksDB is one, memory another.

It holds the facts of dossiers by partition, and a head for each partition. It is disposable: ClickHouse has everything
in it, and a head that does not fit is reason enough to drop the partition's entries.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from streams.counting.store_interface import Stored

FORMAT = 1
"""Of the entries and heads: raise it when they change, and what a former release left is dropped."""


class StateOrigin(Struct, frozen=True):
    """What entries belong to: positions of another epoch, topic or partition count mean nothing here.

    `boot` is the id of the machine's boot: nothing is synced to disk, so a crash of the machine may lose any write.
    `folder` identifies the folder itself, so that a copy of it, perhaps made while it was written, is not used.
    """

    epoch: int
    topic_id: str
    partitions: int
    database: str
    boot: str
    folder: str
    format: int = FORMAT


class StateHead(Struct, frozen=True):
    """What the entries of a partition are good for.

    For every dossier up to `scanned` in the order of their bytes, of all where it is None, the entry has each change at
    or before position `complete`; without an entry there is none. No entry is past position `newest`.
    """

    origin: StateOrigin
    partition: int
    complete: int
    newest: int = 0
    scanned: str | None = ""

    def why_unusable(self, origin: StateOrigin, partition: int, progress: int) -> str:
        """Why it does not fit counts of this origin whose stored progress is this; empty where it fits."""
        for name in origin.__struct_fields__:
            if getattr(self.origin, name) != getattr(origin, name):
                return f"it is of another {name.replace('_', ' ')}"
        if self.partition != partition:
            return "it is of another partition"
        # Counts that are older than the entries have another history, such as that of a restored backup.
        return "it is newer than the stored progress" if max(self.complete, self.newest) > progress else ""


class StateStore(Protocol):
    """Facts by partition and dossier, and a head for each partition.

    Any thread may call it. Every method raises StateUnusable, whatever has failed: nothing was written then, or all of
    it was.
    """

    def read_head(self, partition: int) -> StateHead | None:
        """The head of the partition."""

    def read(self, partition: int, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """Look up dossiers from the first one on: how many were looked up, and the facts of those that have any.

        The lookup ends where more would exceed `max_bytes` of registers, but never before the first dossier.
        """

    def write(self, facts: Mapping[str, Stored], head: StateHead) -> None:
        """Write facts of the head's partition together with the head, all or nothing."""

    def reset(self, head: StateHead) -> None:
        """Drop all entries of the head's partition and write the head, all or nothing."""

    def close(self) -> None:
        """Release it; other calls then raise StateUnusable."""
