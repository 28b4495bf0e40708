"""A state store in memory, which outlives the worker as a folder does, and whose next write can be made to fail."""

from collections.abc import Mapping, Sequence

from streams.counting.state_store import StateHead, StateStore
from streams.counting.store_interface import Stored
from streams.errors import StateUnusable


class MemoryStateStore(StateStore):
    """Facts and heads by partition; both are replaced and never changed, so that a copy is two dictionaries."""

    def __init__(self) -> None:
        self.facts: dict[int, dict[str, Stored]] = {}
        self.heads: dict[int, StateHead] = {}
        self.fails = False
        """Whether the next write fails."""

    def read_head(self, partition: int) -> StateHead | None:
        """The head of the partition."""
        return self.heads.get(partition)

    def read(self, partition: int, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """The facts of the first of these dossiers, whose registers have no more than `max_bytes` together."""
        facts = self.facts.get(partition, {})
        found: dict[str, Stored] = {}
        size = 0
        for place, dossier in enumerate(dossiers):
            if dossier in facts:
                size += len(facts[dossier].registers)
                if size > max_bytes and place:
                    return place, found
                found[dossier] = facts[dossier]
        return len(dossiers), found

    def write(self, facts: Mapping[str, Stored], head: StateHead) -> None:
        """Write facts with the head of their partition."""
        self._fail_if_due()
        self.facts[head.partition] = {**self.facts.get(head.partition, {}), **facts}
        self.heads[head.partition] = head

    def reset(self, head: StateHead) -> None:
        """Drop the entries of the head's partition, and write the head."""
        self._fail_if_due()
        self.facts[head.partition] = {}
        self.heads[head.partition] = head

    def close(self) -> None:
        """Do nothing: it can be used again."""

    def copy_from(self, other: "MemoryStateStore") -> None:
        """Hold what the other holds now."""
        self.facts, self.heads = dict(other.facts), dict(other.heads)

    def _fail_if_due(self) -> None:
        if self.fails:
            self.fails = False
            raise StateUnusable("no space left on the device")
