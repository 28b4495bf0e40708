"""Reading from a stream that arrives in any pieces, without holding what is only passed over."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse.errors import ProtocolError
from deploy.embedded.clickhouse.wire_format import Reader, text, varint


def in_pieces(data: bytes, size: int) -> Reader:
    pieces: Iterator[bytes] = (data[start : start + size] for start in range(0, len(data), size))
    return Reader(lambda: next(pieces, b""))


@given(st.integers(0, 2**63 - 1), st.integers(1, 10))
def test_numbers_come_back(number: int, piece: int) -> None:
    assert in_pieces(varint(number), piece).varint() == number


@given(st.text(max_size=300), st.binary(max_size=300), st.integers(1, 50))
def test_what_follows_a_string_is_read_whatever_the_pieces(value: str, rest: bytes, piece: int) -> None:
    reader = in_pieces(text(value) + rest, piece)
    assert reader.text() == value
    assert reader.take(len(rest)) == rest


@given(st.lists(st.binary(max_size=400), max_size=30), st.integers(1, 600), st.binary(max_size=20))
def test_what_is_skipped_is_recorded_byte_for_byte(values: list[bytes], piece: int, rest: bytes) -> None:
    strings = b"".join(varint(len(value)) + value for value in values)
    reader, kept = in_pieces(b"before" + strings + rest, piece), io.BytesIO()
    reader.skip(6)
    reader.record(kept)
    reader.skip_texts(len(values))
    reader.stop()
    assert kept.getvalue() == strings
    assert reader.take(len(rest)) == rest


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_the_end_of_the_stream_is_an_error_wherever_it_comes(piece: int) -> None:
    for action in (
        lambda reader: reader.skip_texts(100),
        lambda reader: reader.skip(100),
        lambda reader: reader.take(100),
        lambda reader: reader.text(),
        lambda reader: [reader.byte() for _ in range(100)],
    ):
        with pytest.raises(EOFError):
            action(in_pieces(b"\x40" * 50, piece))


def test_lengths_beyond_reason_are_refused() -> None:
    with pytest.raises(ProtocolError, match="more than 63 bits"):
        in_pieces(b"\xff" * 20, 20).varint()
    with pytest.raises(ProtocolError, match="a string of 65537 bytes"):
        in_pieces(varint(65537) + b"x" * 65537, 1000).text()
    with pytest.raises(ProtocolError, match="no UTF-8"):
        in_pieces(b"\x02\xff\xff", 3).text()


@pytest.mark.slow
@pytest.mark.parametrize("skip", [Reader.skip, Reader.skip_texts, Reader.take], ids=lambda method: method.__name__)
def test_a_promise_of_data_takes_no_memory(skip: object) -> None:
    piece = b"\x7f" + b"x" * 127
    sent = iter([piece] * 50_000)
    reader = Reader(lambda: next(sent, b""))
    if skip is Reader.take:
        sent = iter([piece] * 10)
    tracemalloc.start()
    try:
        with pytest.raises(EOFError):
            skip(reader, 1 << 61)  # type: ignore[operator]
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
