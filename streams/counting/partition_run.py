"""The records of one partition that are counted together, in one batch or in several."""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from streams.counting.contributions import Window
from streams.counting.packed_counters import Packed
from streams.counting.partition_state import PartitionState
from streams.counting.record import Record
from streams.counting.registers import Register

PlacedEvent: TypeAlias = tuple[int, str, Register]
"""The position of an event, its dossier, and its register."""


class DecodedRecord(Struct):
    """The events of a record: their lines, their columns, and the index of the first among all events of the run."""

    record: Record
    first: int
    lines: Sequence[int]
    columns: list[Sequence[object]]


class PartitionRun(Struct):
    """Records, their events, and what becomes of them step by step; a batch has the events from `begin` to `end`."""

    records: list[Record]
    state: PartitionState
    first_pos: int
    """The position at which the batch begins."""
    events: list[PlacedEvent] = []
    decoded: list[DecodedRecord] = []
    begin: int = 0
    end: int = 0
    deltas: list[tuple[int, dict[Window, Packed]]] = []
    """What each event of the batch that changed something adds to the windows, in order."""
    windows: set[Window] = set()
    """The windows of these deltas."""

    @property
    def is_done(self) -> bool:
        """Whether all events are counted."""
        return self.end == len(self.events)

    def missing(self, most: int) -> list[str]:
        """The dossiers of the next events, of so many at most, whose facts are not cached, in order."""
        upcoming = self.events[self.begin : self.begin + most]
        return self.state.facts.without(dict.fromkeys([dossier for _, dossier, _ in upcoming]))

    def advance(self) -> None:
        """Begin another batch where the last one ended."""
        self.begin = self.end
        self.first_pos = self.events[self.begin][0]
        self.deltas, self.windows = [], set()
