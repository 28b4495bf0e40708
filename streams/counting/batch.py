"""The rows that counting batches of records leads to."""

from functools import partial

import msgspec
from msgspec import Struct

from schemas.dead_letter import DeadLetter
from schemas.tables import EVENTS, FACTS, WINDOWS
from streams.counting.column_block import Block
from streams.counting.store_interface import Row


class Batch(Struct):
    """Rows by table; `write_order` says in which order they are written."""

    events: Block = msgspec.field(default_factory=partial(Block.of, EVENTS))
    windows: Block = msgspec.field(default_factory=partial(Block.of, WINDOWS))
    facts: Block = msgspec.field(default_factory=partial(Block.of, FACTS))
    progress: list[Row] = []
    dead: list[DeadLetter] = []
    is_last: bool = True
    """Whether it is the last one of the records that were taken together."""
    effort: int = 0
    """What counting it took, in units of `streams.counting.batch_limit`."""

    def merge(self, later: "Batch") -> None:
        """Add the rows of the batch that was counted next; of rows with one key, the last is the newest."""
        self.events.extend_columns(later.events.columns)
        self.windows.extend_columns(later.windows.columns)
        self.facts.extend_columns(later.facts.columns)
        self.progress += later.progress
        self.dead += later.dead
        self.effort += later.effort

    def take_windows(self) -> "Batch":
        """Take the windows out, to write them before everything else."""
        windows, self.windows = self.windows, Block.of(WINDOWS)
        return Batch(windows=windows)
