"""The buffer of fetched records, bounded in bytes: a record may have 1 MiB, and a database may be away for days."""

from collections.abc import Iterator, Sequence
from typing import Any

from mode.utils.queues import ThrowableQueue

BUFFER_BYTES = 16 * 1024 * 1024
"""The most bytes of values in the buffer: seconds of work at the highest speed."""
BATCH_BYTES = 16 * 1024 * 1024
"""The most bytes of values in a batch; its rows take several times as much."""


class Buffer(ThrowableQueue[Any]):
    """A queue that applies back-pressure by bytes, too: when it is full, nothing more is fetched.

    It still takes what one poll has fetched: up to a fetch (1 MiB, or one record) of each partition.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bytes = 0

    @property
    def pressure_high_size(self) -> int:
        """The number of records from which on fetching pauses."""
        return 0 if self.bytes >= BUFFER_BYTES else int(self.maxsize * 0.8)

    @property
    def pressure_drop_size(self) -> int:
        """The number of records below which fetching resumes."""
        return -1 if self.bytes > BUFFER_BYTES * 0.4 else int(self.maxsize * 0.4)

    def clear(self) -> None:
        """Drop everything: the group is rebalanced."""
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
    """The events in their order, in parts that hold little more than BATCH_BYTES each."""
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
