"""Evidence that nothing is missing: cases are numbered without gaps, and every offset is counted or skipped.

Both are functions of the log alone, as positions are: any worker that counts a record again, from any start and after
any crash, gets the same numbers. They are stored in rows that are written anyway.
"""

from collections.abc import Set

from msgspec import Struct


class Ledger(Struct, frozen=True, gc=False):
    """What was counted of a partition up to an offset: its records, the offsets without a record, and its cases.

    An offset that is moved without counting leaves `records + skipped` behind it for good.
    """

    records: int = 0
    skipped: int = 0
    dossiers: int = 0

    def with_record(self, skipped: int) -> "Ledger":
        """The ledger after one more record, which follows so many offsets without one."""
        return Ledger(self.records + 1, self.skipped + skipped, self.dossiers)

    def with_gap(self, skipped: int) -> "Ledger":
        """The ledger after so many more offsets without a record."""
        return Ledger(self.records, self.skipped + skipped, self.dossiers)


NO_RECORDS = Ledger()


class CaseNumbers:
    """Assigns the numbers of the cases of a partition, in the order in which they first appear in the log.

    `last` begins as the last number as of progress. Cases that are stored beyond progress have the numbers in `taken`,
    which are not assigned twice.
    """

    def __init__(self, last: int, taken: Set[int] = frozenset()) -> None:
        self.last = last
        self._taken = taken

    def observe(self, number: int) -> None:
        """Note a case that already has this number, from a crashed run or a former owner."""
        self.last = max(self.last, number)

    def next(self) -> int:
        """The number of a case that has none."""
        self.last += 1
        while self.last in self._taken:
            self.last += 1
        return self.last
