"""What it means that offsets are missing between the records of a partition. Pure: offsets in, meaning out.

Kafka numbers more than what it hands out: the markers that commit or abort a transaction, the records of an aborted
one, and records that compaction removed have offsets and are never seen. So a hole alone is no loss. What tells is
where the log was read from:

- A hole that was read across is **empty**: the log was read from its first offset, and the broker itself named what
  comes after it as the next thing there is. Nothing was there that counts, or ever will be.
- A hole that was jumped is **lost**: reading went on behind its first offset. The log begins later than what comes next
  (retention, deleted records), it was cut off, or a client left records out. Nothing can tell what was there.

Whoever reads the log therefore hands out an empty hole as a record that holds nothing (`filled`), and then every offset
follows the last; where one does not, records are lost (`is_lost`).
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from streams.counting.record import Record, hole


class Placed(Protocol):
    """A record as any client hands it out."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""


T = TypeVar("T", bound=Placed)


def is_lost(expected: int, first: int) -> bool:
    """Whether records are lost when `expected` is the next offset to count and the log goes on at `first`.

    `first` is the first offset of a record or of an empty hole, or the offset at which the log begins now. One that is
    smaller is no loss: what comes again was counted.
    """
    return first > expected


def filled(partition: int, start: int, records: Iterable[T], position: int) -> Iterator[T | Record]:
    """What was read of a partition from offset `start` on, with each empty hole as a record that holds nothing.

    `position` is where reading goes on: what lies between the last record and it is an empty hole, too.
    """
    for record in records:
        if record.offset > start:
            yield hole(partition, start, record.offset - 1)
        yield record
        start = record.offset + 1
    if position > start:
        yield hole(partition, start, position - 1)
