"""Bytes made worse: what a broken writer, a broken wire or an enemy does to them."""

from collections.abc import Sequence
from random import Random

STUFFING = (
    b"\0", b"\n", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b'"', b"\\",
    b"{", b"}", b"[", b"]", b",", b":", b"-", b"e9", b"\xe2\x80\xa8", b"\x7f", b"\xff" * 12, b"\x80" * 9, b"/*", b"'",
)  # fmt: skip
"""What some reader or other takes for something special."""


def mutated(chance: Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    """The sample after one to four changes at random places; parts of the others are spliced in."""
    changed = bytearray(sample)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(8):
            case 0:
                del changed[place:]
            case 1 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 2:
                changed[place : place + 1] = chance.randbytes(1)
            case 3:
                changed[place:place] = chance.randbytes(chance.randrange(1, 20))
            case 4:
                changed[place:place] = chance.choice(STUFFING)
            case 5:
                del changed[place : place + chance.randrange(1, 30)]
            case 6:
                end = place + chance.randrange(1, 40)
                changed[end:end] = changed[place:end]
            case _:
                other = chance.choice(others)
                changed[place:] = other[chance.randrange(len(other) + 1) :]
    return bytes(changed)
