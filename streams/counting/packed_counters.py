"""All counters of a window in one integer, so that adding them is one addition."""

from array import array
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import TypeAlias

import numpy as np

from schemas.counters import COUNTERS

Packed: TypeAlias = int
"""64 bits for each counter: sums and differences of such integers are those of each counter."""

_BITS = 64
_LAYOUT = Struct(f"<{len(COUNTERS)}q")
ONE: dict[str, Packed] = {counter: 1 << _BITS * place for place, counter in enumerate(COUNTERS)}
"""One of each counter."""


def packed(counts: Sequence[int]) -> Packed:
    """The counters, in the order of COUNTERS, in one integer."""
    return int.from_bytes(_LAYOUT.pack(*counts), "little")


def columns_of(packed: Iterable[Packed]) -> "list[array[int]]":
    """Each counter of all of these, in the order of COUNTERS; none may be negative."""
    rows = b"".join([each.to_bytes(_LAYOUT.size, "little") for each in packed])
    return [array("q", column.tobytes()) for column in np.frombuffer(rows, np.int64).reshape(-1, len(COUNTERS)).T]
