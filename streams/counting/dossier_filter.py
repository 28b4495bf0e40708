"""Which dossiers a partition may have facts of: what is not among them is new, and need not be asked for."""

import numpy as np
from numpy.typing import NDArray

from schemas.partition import Hashes

_LEAST_BITS = 1 << 26
"""Of all partitions together: 8 MB, enough for four million dossiers."""
_BITS_EACH = 16


class Known:
    """A Bloom filter with a single hash: it holds all that were added, and of others one in sixteen to start with.

    It does not grow: with twice as many dossiers as it began with, one new dossier in eight is asked for in vain.
    `hashes` are what `schemas.partition.hashes_of` gives, all of one of so many `partitions`.
    """

    def __init__(self, hashes: Hashes, partitions: int) -> None:
        bits = 1 << max(_LEAST_BITS // partitions, _BITS_EACH * len(hashes), 8).bit_length() - 1
        self._partitions = np.uint32(partitions)
        self._mask = np.uint32(bits - 1)
        self._bytes = np.zeros(bits // 8, np.uint8)
        self.add(hashes)

    def add(self, hashes: Hashes) -> None:
        """From now on it holds these."""
        place, bit = self._place(hashes)
        np.bitwise_or.at(self._bytes, place, bit)

    def may_hold(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Whether each of these may have been added; False is certain."""
        place, bit = self._place(hashes)
        held: NDArray[np.bool_] = (self._bytes[place] & bit) != 0
        return held

    def _place(self, hashes: Hashes) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        # The remainder by the partitions is the same for all of them and tells nothing.
        at = hashes // self._partitions & self._mask
        return at >> np.uint32(3), np.left_shift(np.uint8(1), (at & np.uint32(7)).astype(np.uint8))
