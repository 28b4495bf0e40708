"""Frames of compressed blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse.compressed_frames import FRAME_SIZE, HEADER, LZ4, NONE, checksum, compress, decompress
from deploy.embedded.clickhouse.errors import ProtocolError
from deploy.embedded.clickhouse.native_blocks import inside


@given(st.binary(min_size=1, max_size=2000))
def test_data_comes_back(data: bytes) -> None:
    reader = inside(b"".join(compress(data)) + b"rest")
    assert decompress(reader) == data
    assert reader.waiting == b"rest"


def test_large_data_is_several_frames() -> None:
    data = bytes(range(256)) * (FRAME_SIZE // 100)
    frames = list(compress(data))
    assert len(frames) == 3
    assert b"".join(decompress(inside(frame)) for frame in frames) == data


def test_a_frame_that_is_not_compressed_is_read() -> None:
    packed = HEADER.pack(NONE, 9 + 4, 4) + b"data"
    assert decompress(inside(checksum(packed) + packed)) == b"data"


@given(st.binary(min_size=1, max_size=200), st.data())
def test_one_changed_bit_is_noticed(data: bytes, draw: st.DataObject) -> None:
    frame = bytearray(b"".join(compress(data)))
    frame[draw.draw(st.integers(0, len(frame) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    # A length that grew runs into the end of the data.
    with pytest.raises((ProtocolError, EOFError)):
        decompress(inside(bytes(frame)))


@pytest.mark.parametrize(
    ("method", "size", "raw", "message"),
    [
        (0x90, 20, 20, "compression by zstd is not supported"),
        (0x55, 20, 20, "method 0x55 is not supported"),
        (LZ4, 9, 20, "cannot be"),
        (LZ4, (64 << 20) + 1, 20, "cannot be"),
        (LZ4, 20, 0, "cannot be"),
        (LZ4, 20, (64 << 20) + 1, "cannot be"),
        (LZ4, 20, 20, "cannot be read"),
    ],
)
def test_frames_that_cannot_be_are_refused_before_they_cost_memory(
    method: int, size: int, raw: int, message: str
) -> None:
    packed = HEADER.pack(method, size, raw) + b"\xff" * 11
    with pytest.raises(ProtocolError, match=message):
        decompress(inside(checksum(packed) + packed))
