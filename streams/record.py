"""A Kafka record as counting sees it, free of any client library."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.instant import EARLIEST, LATEST, to_micros

_EARLIEST = to_micros(EARLIEST) // 1000
_LATEST = to_micros(LATEST) // 1000 - 1


class Record(Struct, frozen=True, gc=False):
    """A record of the events topic; `timestamp` is its own, in milliseconds, and may be anything."""

    partition: int
    offset: int
    timestamp: int
    value: bytes | None

    @property
    def published(self) -> int:
        """The timestamp in milliseconds, brought into the range that columns hold."""
        return min(max(self.timestamp, _EARLIEST), _LATEST)


def in_sequence(records: Sequence[Record]) -> list[list[Record]]:
    """The records as they came, cut so that in each part the offsets of a partition follow each other.

    Nearly always one part. After a rebalance a partition may start again from an earlier offset within what was taken
    at once; that must not be counted before what came earlier is written.
    """
    parts: list[list[Record]] = [[]]
    last: dict[int, tuple[int, int]] = {}
    for record in records:
        part, offset = last.get(record.partition, (0, record.offset - 1))
        part += record.offset != offset + 1
        if part == len(parts):
            parts.append([])
        parts[part].append(record)
        last[record.partition] = part, record.offset
    return parts
