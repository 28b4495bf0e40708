"""What a gap between the offsets of a partition's records means. Pure: offsets in, meaning out.

Kafka gives offsets to more than it hands out: the markers that commit or abort a transaction, the records of an aborted
one, and records that compaction removed have offsets and are never read. A gap alone is therefore no loss. Where the
log was read from decides:

- A gap that was **read across** is empty: the log was read from the gap's first offset, and the broker itself named
  what comes after it as the next record. Nothing that counts was there, or ever will be.
- A gap that was **jumped** is a loss: reading went on behind its first offset. The log begins later than the next
  offset (retention, deleted records), it was cut off, or a client left records out. Nothing shows what was there.

Readers of the log therefore hand out an empty gap as a record without a value (`fill_gaps`), and then every offset
follows the last one; where one does not, records are lost (`is_lost`).
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from streams.counting.record import Record, offset_gap


class HasOffset(Protocol):
    """A record as any client hands it out."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""


T = TypeVar("T", bound=HasOffset)


def is_lost(expected: int, first: int) -> bool:
    """Whether records are lost where `expected` is the next offset to count and the log goes on at `first`.

    `first` is the first offset of a record or of an empty gap, or the offset at which the log begins now. A smaller one
    is no loss: those records are counted already.
    """
    return first > expected


def fill_gaps(partition: int, start: int, records: Iterable[T], position: int) -> Iterator[T | Record]:
    """What was read of a partition from offset `start` on, with a record for each empty gap.

    `position` is the offset at which reading goes on: what lies between the last record and it is an empty gap, too.
    """
    for record in records:
        if record.offset > start:
            yield offset_gap(partition, start, record.offset - 1)
        yield record
        start = record.offset + 1
    if position > start:
        yield offset_gap(partition, start, position - 1)
