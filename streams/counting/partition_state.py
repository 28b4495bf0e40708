"""What is kept in memory of a partition, valid only as long as its offsets follow each other."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from schemas.partition import partitions_of
from streams.counting.caches import FactsCache, WindowCache
from streams.counting.dead_letter_limit import EMPTY_WINDOW, LimitWindow
from streams.counting.ledger import NO_RECORDS, CaseNumbers, Ledger
from streams.counting.offset_gaps import is_lost
from streams.counting.record import Record
from streams.counting.store_interface import NO_RECORD, LastRecord, Store
from streams.errors import LostEvents


class PartitionState(Struct):
    """A partition as of `next_offset`: what progress says of it, and caches of its rows."""

    partition: int
    next_offset: int
    next_unobserved: int
    """The first offset that neither the dead-letter limit nor the ledger has observed."""
    limit_window: LimitWindow
    last_record: LastRecord
    ledger: Ledger
    numbers: CaseNumbers
    windows: WindowCache
    facts: FactsCache

    def misplaced(self, dossiers: Iterable[str], partitions: int) -> set[str]:
        """Those of these dossiers that belong to other partitions; cached ones do not."""
        uncached = self.facts.without(dossiers)
        found = partitions_of(uncached, partitions) if uncached else []
        return {dossier for dossier, partition in zip(uncached, found, strict=True) if partition != self.partition}


def load_partition(store: Store, topic: str, partition: int, first: int) -> PartitionState:
    """The state of a partition whose records go on at offset `first`; raises LostEvents where offsets are missing.

    Every earlier batch must be written.
    """
    checkpoint = store.read_checkpoints(topic).get(partition)
    expected = checkpoint.offset + 1 if checkpoint else 0
    if is_lost(expected, first):
        raise LostEvents(_lost(topic, partition, expected, first))
    ledger = checkpoint.ledger if checkpoint else NO_RECORDS
    last, held = store.read_case_numbers(partition, checkpoint.pos if checkpoint else 0)
    return PartitionState(
        partition,
        next_offset=first,
        # Records that come again are in what was observed of the log up to `expected`.
        next_unobserved=expected,
        limit_window=checkpoint.limit_window if checkpoint else EMPTY_WINDOW,
        last_record=checkpoint.last_record if checkpoint else NO_RECORD,
        ledger=ledger,
        numbers=CaseNumbers(max(last, ledger.dossiers), held),
        windows=WindowCache(store.read_newest(partition)),
        facts=FactsCache(),
    )


def require_sequence(topic: str, records: Sequence[Record]) -> None:
    """Raise LostEvents unless each of these records of a partition follows the one before it."""
    expected = records[0].first
    for record in records:
        if record.first != expected:
            raise LostEvents(_lost(topic, record.partition, expected, record.first))
        expected = record.offset + 1


def _lost(topic: str, partition: int, expected: int, found: int) -> str:
    return (
        f"{topic} partition {partition} goes on at offset {found}, but {expected} is the next to count: the records "
        "between are gone from the broker or were skipped; nothing was counted past them"
    )
