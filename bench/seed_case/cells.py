"""Amounts by cell – a window, an agency, a measure –, millions of them: packed into integers, and kept by the month."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.counters import WINDOW_SECONDS

MONTH_SECONDS = 8192 * WINDOW_SECONDS
"""28 days and some hours: what is compared at a time."""
_AGENCY_BITS, _MEASURE_BITS = 10, 6
_AT_ONCE = 2_000_000


class Amounts(NamedTuple):
    """An amount for each of these packed cells."""

    cells: NDArray[np.int64]
    amounts: NDArray[np.int64]


def packed(start: NDArray[np.int64], agency: NDArray[np.int64], measure: int) -> NDArray[np.int64]:
    """The cells of these instants or starts of windows, in seconds; there are up to 1024 agencies and 64 measures."""
    return ((start // WINDOW_SECONDS << _AGENCY_BITS) + agency << _MEASURE_BITS) + measure


def summed(parts: Iterable[Amounts]) -> Amounts:
    """Each cell once, in order, with the sum of its amounts."""
    columns = list(zip(*parts, strict=True))
    if not columns:
        return Amounts(np.array([], np.int64), np.array([], np.int64))
    cells, amounts = (np.concatenate(column) for column in columns)
    order = np.argsort(cells, kind="stable")
    cells = cells[order]
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    return Amounts(cells[first], np.add.reduceat(amounts[order], first) if len(first) else amounts)


def differences(expected: Amounts, stored: Amounts) -> int:
    """How many cells do not have the same amount in both; one that is missing has none."""
    return int(np.count_nonzero(summed([expected, Amounts(stored.cells, -stored.amounts)]).amounts))


class Cells:
    """Collects amounts, in any order, and gives their sums month by month."""

    def __init__(self) -> None:
        self._new: list[Amounts] = []
        self._size = 0
        self._months: dict[int, list[Amounts]] = {}

    def add(self, amounts: Amounts) -> None:
        """Add these; cells may repeat."""
        self._new.append(amounts)
        self._size += len(amounts.cells)
        if self._size > _AT_ONCE:
            self._sort()

    def months(self) -> Iterator[tuple[int, Amounts]]:
        """The start of each month that has any cell, in seconds, and the sums of its cells; in order."""
        self._sort()
        for month in sorted(self._months):
            yield month * MONTH_SECONDS, summed(self._months[month])

    def _sort(self) -> None:
        cells, amounts = summed(self._new)
        self._new, self._size = [], 0
        months = (cells >> _AGENCY_BITS + _MEASURE_BITS) * WINDOW_SECONDS // MONTH_SECONDS
        for month in np.unique(months).tolist():
            begin, end = np.searchsorted(months, [month, month + 1])
            self._months.setdefault(month, []).append(Amounts(cells[begin:end].copy(), amounts[begin:end].copy()))
