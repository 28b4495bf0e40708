"""Rows of a partition that are kept in memory, the least recently used first.

Nothing is evicted that is not yet written: it is `changed`, and counts as used now.
"""

from collections import OrderedDict
from collections.abc import Iterable, Set

from msgspec import Struct

from streams.counting.contributions import Window
from streams.counting.packed_counters import Packed
from streams.counting.registers import pack
from streams.counting.store_interface import Stored

NO_FACTS = Stored(0, pack({}))
"""Of a dossier that no event was counted of."""


class FactsCache:
    """Facts by dossier; `bytes` is the size of their registers."""

    def __init__(self) -> None:
        self._facts: OrderedDict[str, Stored] = OrderedDict()
        self.bytes = 0

    def __contains__(self, dossier: str) -> bool:
        return dossier in self._facts

    def __len__(self) -> int:
        return len(self._facts)

    def without(self, dossiers: Iterable[str]) -> list[str]:
        """Those of these dossiers that are not cached, in their order."""
        facts = self._facts
        return [dossier for dossier in dossiers if dossier not in facts]

    def get(self, dossier: str) -> Stored | None:
        """The facts of the dossier, where they are cached."""
        return self._facts.get(dossier)

    def put(self, dossier: str, facts: Stored) -> None:
        """Keep these facts of the dossier, which counts as used now."""
        held = self._facts.pop(dossier, None)
        self.bytes += len(facts.registers) - (len(held.registers) if held else 0)
        self._facts[dossier] = facts

    def touch(self, dossier: str) -> None:
        """Note that the dossier is used now."""
        self._facts.move_to_end(dossier)

    def exceeds(self, most: int, most_bytes: int) -> bool:
        """Whether there are more dossiers, or more bytes of registers."""
        return len(self._facts) > most or self.bytes > most_bytes

    def evict(self, most: int, most_bytes: int, changed: Set[str]) -> None:
        """Evict down to `most` dossiers and `most_bytes` of registers, but none that is changed."""
        kept = 0
        while self.exceeds(most, most_bytes) and kept < len(self._facts):
            dossier, facts = self._facts.popitem(last=False)
            if dossier in changed:
                self._facts[dossier] = facts
                kept += 1
            else:
                self.bytes -= len(facts.registers)


class CachedWindow(Struct, gc=False):
    """A window's row: the position of the last event in it, and its counters."""

    pos: int
    counts: Packed


class WindowCache:
    """Windows of the partition; `newest` is the start of the newest one that may be stored without being cached."""

    def __init__(self, newest: int) -> None:
        self.rows: OrderedDict[Window, CachedWindow] = OrderedDict()
        self.newest = newest

    def __len__(self) -> int:
        return len(self.rows)

    def must_be_read(self, window: Window) -> bool:
        """Whether the window may be stored and is not cached; one that is newer than all stored ones is empty."""
        return window[1] <= self.newest and window not in self.rows

    def reset(self, newest: int) -> None:
        """Drop everything; `newest` is the newest window that is stored now."""
        self.rows.clear()
        self.newest = newest

    def evict(self, most: int, changed: Set[Window]) -> None:
        """Evict down to `most` windows, but none that is changed."""
        kept = 0
        while kept < len(self.rows) > most:
            window, row = self.rows.popitem(last=False)
            if window in changed:
                self.rows[window] = row
                kept += 1
            else:
                self.newest = max(self.newest, window[1])
