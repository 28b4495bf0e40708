"""The rows that counting a batch of records leads to."""

from functools import partial

import msgspec
from msgspec import Struct

from schemas.dead_letter import DeadLetter
from schemas.tables import EVENTS, FACTS, WINDOWS
from streams.counting.column_block import Block
from streams.counting.store_interface import Row


class Batch(Struct):
    """Rows by table; `write_order.flush` says in which order they are written."""

    events: Block = msgspec.field(default_factory=partial(Block.of, EVENTS))
    windows: Block = msgspec.field(default_factory=partial(Block.of, WINDOWS))
    facts: Block = msgspec.field(default_factory=partial(Block.of, FACTS))
    progress: list[Row] = []
    dead: list[DeadLetter] = []
    is_last: bool = True
    """Whether it is the last one of the records that were taken together."""
    effort: int = 0
    """What counting it took, in units of `streams.counting.batch_limit`."""
    used: dict[int, tuple[int, int]] = {}
    """By partition, how many dossiers and windows it looked up: those are the most recently used in the caches."""
