"""Fetched records that wait, bounded in bytes: a record may have 1 MiB, and a database be away for days."""

from collections.abc import Iterator, Sequence
from typing import Any

from mode.utils.queues import ThrowableQueue

BUFFER_BYTES = 16 * 1024 * 1024
"""Values of records that wait to be taken at most: seconds of work at the highest speed."""
BATCH_BYTES = 16 * 1024 * 1024
"""Values of records that are counted at once at most; their rows take several times as much."""


class Buffer(ThrowableQueue[Any]):
    """A queue under high pressure also when the records in it are large: nothing more is fetched then.

    What one poll has fetched still goes in: up to a fetch (1 MiB, or one record) of each partition.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bytes = 0

    @property
    def pressure_high_size(self) -> int:
        """From so many records on the partition they come from is not fetched."""
        return 0 if self.bytes >= BUFFER_BYTES else int(self.maxsize * 0.8)

    @property
    def pressure_drop_size(self) -> int:
        """Down to so many records what was not fetched is fetched again."""
        return -1 if self.bytes > BUFFER_BYTES * 0.4 else int(self.maxsize * 0.4)

    def clear(self) -> None:
        """Drop everything: the partitions are divided anew."""
        super().clear()
        self.bytes = 0

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.bytes += len(item.message.value or b"")

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= len(item.message.value or b"")
        return item


def bounded(events: Sequence[Any]) -> Iterator[list[Any]]:
    """The events as they came, cut so that no part holds much more than BATCH_BYTES."""
    part: list[Any] = []
    size = 0
    for event in events:
        part.append(event)
        size += len(event.message.value or b"")
        if size >= BATCH_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
