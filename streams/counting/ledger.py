"""What shows that something is missing: cases numbered without gaps, and every offset counted or known to be skipped.

Both are functions of the log alone, as positions are, so that whoever counts a record again, from wherever and after
whatever crash, comes to the same. They ride in rows that are written anyhow.
"""

from collections.abc import Set

from msgspec import Struct


class Ledger(Struct, frozen=True, gc=False):
    """What was counted of a partition up to an offset: so many records, so many offsets without one, so many cases.

    Whatever moves an offset without counting leaves `records + skipped` behind it, for good.
    """

    records: int = 0
    skipped: int = 0
    dossiers: int = 0

    def after(self, skipped: int) -> "Ledger":
        """With one more record, after so many offsets that have none."""
        return Ledger(self.records + 1, self.skipped + skipped, self.dossiers)

    def without(self, skipped: int) -> "Ledger":
        """With so many more offsets that have no record."""
        return Ledger(self.records, self.skipped + skipped, self.dossiers)


NO_RECORDS = Ledger()


class Numbers:
    """Hands out the numbers of the cases of a partition, in the order in which the log first tells of them.

    `last` was the last one as of progress; cases that are stored beyond it have those in `held`, which are not given
    twice.
    """

    def __init__(self, last: int, held: Set[int] = frozenset()) -> None:
        self.last = last
        self._held = held

    def reach(self, number: int) -> None:
        """The log has come to a case that has this number already, of a crashed run or a former owner."""
        self.last = max(self.last, number)

    def next(self) -> int:
        """The number of a case that has none."""
        self.last += 1
        while self.last in self._held:
            self.last += 1
        return self.last
