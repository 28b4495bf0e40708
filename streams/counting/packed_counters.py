"""All counters of a window in one integer, so that adding them is one addition."""

from array import array
from collections.abc import Iterable, Sequence
from operator import itemgetter
from struct import Struct
from typing import TypeAlias

import numpy as np

from schemas.counters import COUNTERS

Packed: TypeAlias = int
"""64 bits for each counter: sums and differences of such integers are those of each counter."""

_BITS = 64
_LAYOUT = Struct(f"<{len(COUNTERS)}q")
_VERDICTS = (
    *("resolved_on_time_by_instant", "resolved_on_time_by_date"),
    *("judged_by_766", "on_time_by_766", "form_early", "form_on_time"),
)
_RARE = list(COUNTERS).index("returned")
PACKING = (
    *list(COUNTERS)[:_RARE],
    *_VERDICTS,
    *[counter for counter in list(COUNTERS)[_RARE:] if counter not in _VERDICTS],
)
"""The counters from the lowest bits on: what counts often comes first, since an integer is as long as its last one."""
ONE: dict[str, Packed] = {counter: 1 << _BITS * place for place, counter in enumerate(PACKING)}
"""One of each counter."""
_in_packing = itemgetter(*map(list(COUNTERS).index, PACKING))
_PLACES = [PACKING.index(counter) for counter in COUNTERS]


def packed(counts: Sequence[int]) -> Packed:
    """The counters, in the order of COUNTERS, in one integer."""
    return int.from_bytes(_LAYOUT.pack(*_in_packing(counts)), "little")


def columns_of(packed: Iterable[Packed]) -> "list[array[int]]":
    """Each counter of all of these, in the order of COUNTERS; none may be negative."""
    rows = b"".join([each.to_bytes(_LAYOUT.size, "little") for each in packed])
    columns = np.frombuffer(rows, np.int64).reshape(-1, len(COUNTERS)).T
    return [array("q", columns[place].tobytes()) for place in _PLACES]
