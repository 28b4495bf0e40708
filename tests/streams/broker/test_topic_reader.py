"""What goes wrong in a poll: a record that cannot be decoded, an offset that is gone, and a signal that is neither."""

from typing import Any

import lz4.frame
import pytest
import snappy
from kafka import TopicPartition
from kafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from kafka.errors import KafkaTimeoutError, OffsetOutOfRangeError, UnsupportedCodecError

from cli.signals import Interrupted
from streams.broker.topic_reader import poll
from streams.errors import LostEvents, Unreadable

PLACE = TopicPartition("dossier-events", 3)
CUT = b"x" * 1000


class Consumer:
    def __init__(self, does: Any) -> None:
        self._does = does

    def poll(self, timeout_ms: int) -> Any:
        assert timeout_ms == 100
        return self._does()

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    def position(self, place: TopicPartition) -> int:
        assert place == PLACE
        return 7


def raising(error: BaseException) -> Consumer:
    def fails() -> None:
        raise error

    return Consumer(fails)


@pytest.mark.parametrize(
    "does",
    [
        pytest.param(lambda: snappy_decode(b"no snappy at all"), id="snappy"),
        pytest.param(lambda: snappy_decode(snappy.compress(CUT)[:-9]), id="snappy that was cut"),
        pytest.param(lambda: lz4_decode(b"no lz4 at all"), id="lz4"),
        pytest.param(lambda: lz4_decode(lz4.frame.compress(CUT)[:-9]), id="lz4 that was cut"),
        pytest.param(lambda: zstd_decode(b"no zstd at all"), id="zstd"),
        pytest.param(lambda: gzip_decode(b"no gzip at all"), id="gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_named_by_its_place(does: Any) -> None:
    with pytest.raises(Unreadable, match="a record of dossier-events partition 3 from offset 7 on cannot be read"):
        poll(Consumer(does), 100)


def test_a_codec_that_is_not_installed_is_no_silence_of_the_broker() -> None:
    with pytest.raises(Unreadable, match="no zstd"):
        poll(raising(UnsupportedCodecError("no zstd")), 100)


def test_an_offset_that_is_gone_is_a_loss() -> None:
    with pytest.raises(LostEvents):
        poll(raising(OffsetOutOfRangeError({PLACE: 7})), 100)


@pytest.mark.parametrize("error", [Interrupted(), KeyboardInterrupt(), KafkaTimeoutError("away")])
def test_a_signal_and_a_broker_that_is_away_are_left_to_whoever_waits(error: BaseException) -> None:
    with pytest.raises(type(error)):
        poll(raising(error), 100)
