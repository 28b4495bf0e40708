"""The position of an event in the log of its partition, packed so that later is greater."""

from schemas.envelope import MAX_LINES

_LINE_BITS = 12
_OFFSET_BITS = 40
MAX_EPOCH = (1 << 64 - _OFFSET_BITS - _LINE_BITS) - 1
"""Epochs run from 1: position 0 stands before every event."""

assert MAX_LINES <= 1 << _LINE_BITS  # noqa: S101  # a fact about constants, checked once at import


def pack(epoch: int, offset: int, line: int) -> int:
    """The position as one unsigned 64-bit number."""
    return (epoch << _OFFSET_BITS | offset) << _LINE_BITS | line


def unpack(position: int) -> tuple[int, int, int]:
    """(epoch, offset, line) of a packed position."""
    line = position & (1 << _LINE_BITS) - 1
    offset = position >> _LINE_BITS & (1 << _OFFSET_BITS) - 1
    return position >> _LINE_BITS + _OFFSET_BITS, offset, line
