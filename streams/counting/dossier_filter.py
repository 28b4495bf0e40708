"""The dossiers that a partition may have facts of: any other is new, and its facts need not be read."""

import numpy as np
from numpy.typing import NDArray

from schemas.partition import Hashes

_MIN_BITS = 1 << 26
"""Of all partitions together: 8 MB, enough for four million dossiers."""
_BITS_EACH = 16


class DossierFilter:
    """A Bloom filter with a single hash: it contains all dossiers added, and at first one in sixteen of all others.

    It does not grow: with twice as many dossiers as it began with, one new dossier in eight is read in vain. `hashes`
    come from `schemas.partition.hashes_of` and are all of one of so many `partitions`.
    """

    def __init__(self, hashes: Hashes, partitions: int) -> None:
        bits = 1 << max(_MIN_BITS // partitions, _BITS_EACH * len(hashes), 8).bit_length() - 1
        self._partitions = np.uint32(partitions)
        self._mask = np.uint32(bits - 1)
        self._bytes = np.zeros(bits // 8, np.uint8)
        self.add(hashes)

    def add(self, hashes: Hashes) -> None:
        """Add these."""
        place, bit = self._place(hashes)
        np.bitwise_or.at(self._bytes, place, bit)

    def may_contain(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Whether each of these may have been added; False is certain."""
        place, bit = self._place(hashes)
        contained: NDArray[np.bool_] = (self._bytes[place] & bit) != 0
        return contained

    def _place(self, hashes: Hashes) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        # The remainder by the partitions is the same for all hashes of a partition and carries no information.
        at = hashes // self._partitions & self._mask
        return at >> np.uint32(3), np.left_shift(np.uint8(1), (at & np.uint32(7)).astype(np.uint8))
