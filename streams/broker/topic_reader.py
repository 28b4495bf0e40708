"""Reading topics with kafka-python: committed records only, and an unreadable record is an error, not silence."""

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

_CODEC_ERRORS = (RuntimeError, ValueError, EOFError, struct.error, zlib.error, BadGzipFile, UncompressError, ZstdError)
"""What the codecs' libraries raise. Not Exception: that of a signal may come out of `poll`, too."""

READ_COMMITTED = {"isolation_level": "read_committed", "enable_auto_commit": False}
"""Settings of every consumer: records of aborted and open transactions are not read."""


@contextmanager
def committed_reader(kafka: KafkaConnection, *, reset: str = "none", **options: Any) -> Iterator[KafkaConsumer]:
    """A consumer without a group; Kafka's errors inside become Unreachable.

    By default it never resets its position: `poll` raises LostEvents at an offset that the broker no longer has.
    """
    with (
        topics.translated_errors(kafka),
        closing(KafkaConsumer(**kafka.options(), **READ_COMMITTED, auto_offset_reset=reset, **options)) as consumer,
    ):
        yield consumer


def poll(consumer: KafkaConsumer, milliseconds: int) -> dict[TopicPartition, list[Any]]:
    """The records that come within this time, by partition.

    Raises Unreadable for a record that cannot be decoded, and LostEvents for an offset that is gone.
    """
    try:
        found: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=milliseconds)
        return found
    except OffsetOutOfRangeError as error:
        raise LostEvents(f"the broker no longer has these offsets: {error}; run `dossier doctor`") from error
    except (UnsupportedCodecError, CorruptRecordError, *_CODEC_ERRORS) as error:
        raise unreadable(_places(consumer), error) from error


def unreadable(place: str, error: BaseException) -> Unreadable:
    """The error for a record at this place that a client could not decode."""
    text = " ".join(str(error).split())
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return Unreadable(
        f"a record of {place} cannot be read ({reason}): install the codec of its compression (cramjam, python-snappy, "
        "lz4 and zstandard come with this program), or repair the broker; nothing is skipped"
    )


def _places(consumer: KafkaConsumer) -> str:
    places = sorted(consumer.assignment())
    if len(places) == 1:
        return f"{places[0].topic} partition {places[0].partition} from offset {consumer.position(places[0])} on"
    return ", ".join(sorted({place.topic for place in places}))
