"""When counted rows are written: windows often, since wallboards read them; everything else less often.

An insert costs ClickHouse about the same whether it has one row or a thousand: unless its rows wait for each other, a
trickle is as dear as a flood.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from streams.counting.batch import Batch

Layer: TypeAlias = Literal["windows", "all"]
"""What a flush writes: only the windows of what is counted, or everything."""


class Cadence(Struct, frozen=True):
    """How long rows wait: at least so many seconds lie between two flushes of windows, and between two of everything.

    What is counted after a longer pause is written at once. `max_effort`, in units of `streams.counting.batch_limit`,
    and `max_bytes` of records bound what waits: beyond them everything is written at once.
    """

    windows_seconds: float
    all_seconds: float
    max_effort: int = 20_000
    max_bytes: int = 16 << 20

    def is_full(self, batch: Batch, size: int) -> bool:
        """Whether no more rows may wait than these, of records of this size in bytes."""
        return batch.effort >= self.max_effort or size >= self.max_bytes

    def due(self, since_windows: float, since_all: float) -> Layer | None:
        """What is due, by the seconds since windows and since everything began to be written last."""
        if since_all >= self.all_seconds:
            return "all"
        return "windows" if since_windows >= self.windows_seconds else None


AT_ONCE = Cadence(0.0, 0.0, max_effort=0)
"""Each batch is written by itself, as soon as the one before it is."""
