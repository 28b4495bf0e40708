"""A Kafka record as counting sees it, free of any client library."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.instant import EARLIEST, LATEST, to_micros

_EARLIEST = to_micros(EARLIEST) // 1000
_LATEST = to_micros(LATEST) // 1000 - 1


class Record(Struct, frozen=True, gc=False):
    """A record of the events topic; `timestamp` is its own, in milliseconds, and may have any value.

    Or an empty gap: all offsets from `gap_from` to `offset` (see `offset_gaps`).
    """

    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    gap_from: int = -1

    @property
    def is_gap(self) -> bool:
        """Whether it is a gap: it does not even hold a line that cannot be counted."""
        return self.gap_from >= 0

    @property
    def first(self) -> int:
        """Its first offset; a record has only one."""
        return self.gap_from if self.gap_from >= 0 else self.offset

    @property
    def published(self) -> int:
        """The timestamp in milliseconds, clamped to the range that columns hold."""
        return min(max(self.timestamp, _EARLIEST), _LATEST)


def offset_gap(partition: int, first: int, last: int) -> Record:
    """The offsets from `first` to `last`, at which there is nothing that counts."""
    return Record(partition, last, -1, None, first)


def in_sequence(records: Sequence[Record]) -> list[list[Record]]:
    """The records as they came, cut so that in each part the offsets of a partition follow each other.

    Nearly always one part. After a rebalance a partition may start again from an earlier offset within one batch; the
    repeated records must not be counted before the earlier ones are written.
    """
    parts: list[list[Record]] = [[]]
    last: dict[int, tuple[int, int]] = {}
    for record in records:
        part, offset = last.get(record.partition, (0, record.first - 1))
        part += record.first != offset + 1
        if part == len(parts):
            parts.append([])
        parts[part].append(record)
        last[record.partition] = part, record.offset
    return parts
