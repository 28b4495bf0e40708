"""Reading topics with kafka-python: committed records only, and what cannot be read is told apart from silence."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from gzip import BadGzipFile
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, OffsetOutOfRangeError, UnsupportedCodecError
from snappy import UncompressError
from zstandard import ZstdError

from schemas.connection import KafkaConnection
from streams.broker import topics
from streams.errors import LostEvents, Unreadable

_OF_CODECS = (RuntimeError, ValueError, EOFError, struct.error, zlib.error, BadGzipFile, UncompressError, ZstdError)
"""What the codecs' libraries raise, but not a signal's exception, which may come out of `poll`, too."""

COMMITTED = {"isolation_level": "read_committed", "enable_auto_commit": False}
"""What every consumer of ours is made with: records of a transaction that is aborted or open were never said."""


@contextmanager
def committed_reader(kafka: KafkaConnection, *, reset: str = "none", **options: Any) -> Iterator[KafkaConsumer]:
    """A consumer without a group; what fails inside becomes Unreachable with the address.

    By default it never jumps: `poll` raises LostEvents at an offset that the broker does not have any more.
    """
    with (
        topics.answered(kafka),
        closing(KafkaConsumer(**kafka.options(), **COMMITTED, auto_offset_reset=reset, **options)) as consumer,
    ):
        yield consumer


def poll(consumer: KafkaConsumer, milliseconds: int) -> dict[TopicPartition, list[Any]]:
    """The records that come within this time, by partition.

    Raises Unreadable where a record is there and cannot be decoded, and LostEvents where an offset is gone.
    """
    try:
        found: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=milliseconds)
        return found
    except OffsetOutOfRangeError as error:
        raise LostEvents(f"the broker does not have these offsets any more: {error}; run `dossier doctor`") from error
    except (UnsupportedCodecError, CorruptRecordError, *_OF_CODECS) as error:
        raise unreadable(_places(consumer), error) from error


def unreadable(place: str, error: BaseException) -> Unreadable:
    """The error for a record at this place that a client could not decode."""
    text = " ".join(str(error).split())
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return Unreadable(
        f"a record of {place} cannot be read ({reason}): install what reads its compression (cramjam, python-snappy, "
        "lz4 and zstandard come with this program), or mend the broker; nothing is skipped"
    )


def _places(consumer: KafkaConsumer) -> str:
    places = sorted(consumer.assignment())
    if len(places) == 1:
        return f"{places[0].topic} partition {places[0].partition} from offset {consumer.position(places[0])} on"
    return ", ".join(sorted({place.topic for place in places}))
