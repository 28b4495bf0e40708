from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, dead_letter, decode_dead, encode_dead
from schemas.envelope import Rejection, RejectReason, decode
from schemas.topics import EVENTS, MAX_DEAD_BYTES

NOW = datetime(2026, 6, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def letter_of(content: bytes, reason: RejectReason = "malformed") -> DeadLetter:
    return dead_letter(EVENTS, 3, 42, NOW, Rejection(7, reason, "seq", "seq = -1", content))


@given(st.binary() | st.text().map(str.encode), st.sampled_from(get_args(RejectReason)))
@example(b"", "empty")
@example(b"\0", "malformed")
@example("đ\u2028😀".encode(), "malformed")
@example(b"\xed\xa0\x80", "malformed")
@example(b"\xef\xbb\xbf{}", "malformed")
def test_nothing_of_a_line_is_lost(content: bytes, reason: RejectReason) -> None:
    letter = letter_of(content, reason)
    read = decode_dead(encode_dead(letter))
    assert read == letter
    assert read.line_bytes == content
    assert (read.topic, read.partition, read.offset, read.line) == (EVENTS, 3, 42, 7)
    assert (read.reason, read.field, read.detail, read.published_at) == (reason, "seq", "seq = -1", NOW)


@given(st.binary(max_size=200))
def test_whatever_was_rejected_can_be_sent(value: bytes) -> None:
    for rejection in decode(value, NOW).rejections:
        letter = dead_letter(EVENTS, 0, 0, NOW, rejection)
        assert decode_dead(encode_dead(letter)).line_bytes == rejection.content


def test_text_can_be_read_by_people_and_other_bytes_are_base64() -> None:
    assert '"content":"Sở Xây dựng"'.encode() in encode_dead(letter_of("Sở Xây dựng".encode()))
    assert b'"content_base64":"/wA="' in encode_dead(letter_of(b"\xff\0"))
    assert b"base64" not in encode_dead(letter_of(b"{}"))


@pytest.mark.slow
@pytest.mark.parametrize("byte", [b"\0", b"\x1f", b'"', b"\\", b"\n", b"\t", b"\x7f", b"\xff", b"a"])
def test_a_whole_record_fits_the_topic_whatever_it_is_full_of(byte: bytes) -> None:
    assert len(encode_dead(letter_of(byte * 2**20))) < MAX_DEAD_BYTES


@pytest.mark.parametrize("contents", [{}, {"content": "a", "content_base64": "YQ=="}, {"content_base64": "not base64"}])
def test_a_letter_without_one_readable_content_is_refused(contents: dict[str, str]) -> None:
    fields = msgspec.json.decode(encode_dead(letter_of(b"a")))
    del fields["content"]
    with pytest.raises(msgspec.ValidationError):
        decode_dead(msgspec.json.encode(fields | contents))


@pytest.mark.parametrize("value", [b"", b"\xff", b'{"topic":"\xff"}', b'{"deep":' * 5000, b"[]", b"{}"])
def test_what_is_no_letter_is_refused_by_one_error(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_dead(value)
