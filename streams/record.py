"""A Kafka record as counting sees it, free of any client library."""

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
