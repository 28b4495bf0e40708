"""The core of counting: records in, rows out, exactly once by construction.

Every row it makes is absolute and carries a position: it equals the state after some prefix of the partition's log. A
greater position replaces a smaller one, no matter which worker wrote it: crashes, replays and zombies can only repeat
what is right already. The rules, and why each is needed, are in docs/architecture.md, “Exactly once”.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from msgspec import structs

from schemas.events import MAX_NUMBERED
from streams.counting.apply_deltas import apply_deltas, load_windows
from streams.counting.batch import Batch
from streams.counting.batch_limit import MAX_EFFORT, MAX_FACTS_BYTES
from streams.counting.dead_letter_limit import DEFAULT_LIMIT, DeadLetterLimit
from streams.counting.event_folding import fold_events
from streams.counting.facts_loading import load_facts
from streams.counting.identity import Identity
from streams.counting.local_state import LocalState
from streams.counting.partition_run import PartitionRun
from streams.counting.partition_state import PartitionState, load_partition, require_sequence
from streams.counting.record import Record
from streams.counting.record_decoding import decode_records
from streams.counting.rows import progress_row
from streams.counting.store_interface import LastRecord, Row, Store
from streams.on_time.ruling import Ruling


class Counting:
    """Counts batches of records against a store, with bounded caches. One thread at a time may call it.

    `dossiers`, `facts_bytes` and `windows` bound the caches, each partition's to its share; `trim` trims them, never
    within a batch. `max_effort` and `max_facts_bytes`, of registers that are read at once, bound what a batch may
    take; `max_numbered` bounds the numbered registers of a case. Facts are read from `local` where it is complete.
    """

    def __init__(
        self,
        identity: Identity,
        store: Store,
        *,
        dossiers: int = 150_000,
        facts_bytes: int = 256 << 20,
        windows: int = 100_000,
        dead_letter_limit: DeadLetterLimit = DEFAULT_LIMIT,
        max_effort: int = MAX_EFFORT,
        max_facts_bytes: int = MAX_FACTS_BYTES,
        max_numbered: int = MAX_NUMBERED,
        local: LocalState | None = None,
    ) -> None:
        self._identity = identity
        self._store = store
        self._dead_letter_limit = dead_letter_limit
        self._cached_dossiers, self._cached_bytes, self._cached_windows = dossiers, facts_bytes, windows
        self._max_effort = max_effort
        self._max_facts_bytes = max_facts_bytes
        self._max_numbered = max_numbered
        self._local = local
        self._partitions: dict[int, PartitionState] = {}

    @property
    def cached(self) -> dict[str, int]:
        """How many rows are cached, by what they are of."""
        return {
            "dossiers": sum(len(state.facts) for state in self._partitions.values()),
            "windows": sum(len(state.windows) for state in self._partitions.values()),
        }

    @property
    def cached_bytes(self) -> int:
        """The size of the registers of all dossiers that are cached."""
        return sum(state.facts.bytes for state in self._partitions.values())

    def adopt(self, ruling: Ruling) -> None:
        """Count by this ruling from now on: whoever calls it knows that it decides every counted case as before."""
        self._identity = structs.replace(self._identity, ruling=ruling)

    def revoke(self, partitions: Iterable[int]) -> None:
        """Restore local state of these partitions no longer, before `forget` is called; any thread may call this."""
        if self._local:
            for partition in partitions:
                self._local.detach(partition)

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop what is cached of these partitions; all earlier batches must be flushed."""
        self.revoke(partitions)
        for partition in partitions:
            self._partitions.pop(partition, None)

    def count(self, records: Sequence[Record], settle: Callable[[], None], now: datetime) -> Iterator[Batch]:
        """The rows for these records, in one batch or, where they take long, in several; each is to be flushed in turn.

        Within each partition the offsets of the records follow each other. `settle` returns when every earlier batch is
        flushed; it is called only where the caches cannot be trusted. `now` is only written down, as the time of
        progress. Raises LostEvents where offsets are missing, and TooManyDeadLetters where too many lines cannot be
        counted.
        """
        batch = Batch()
        runs = []
        for _, of_partition in groupby(sorted(records, key=_partition_of), key=_partition_of):
            some = list(of_partition)
            state = self._resume(some, settle)
            runs.append(decode_records(some, state, self._identity, self._dead_letter_limit, batch))
        while runs:
            # Facts of all before windows of any: facts must never be ahead of the windows they are combined with.
            self._load_facts(runs, settle)
            for run in runs:
                batch.effort = fold_events(
                    run, batch, self._identity, batch.effort, self._max_effort, self._max_numbered
                )
            load_windows(self._store, runs)
            for run in runs:
                apply_deltas(run, batch)
                if run.is_done:
                    batch.progress.append(self._progress(run, now))
            left = [run for run in runs if not run.is_done]
            # The one that took all the effort comes last now: no partition waits for all that another one has.
            runs = left[1:] + left[:1]
            batch.is_last = not runs
            yield batch
            batch = Batch()
            for run in runs:
                run.advance()

    def trim(self, unflushed: Sequence[Batch]) -> None:
        """Evict the least recently used beyond the limits, except what these batches have yet to write."""
        # Dossiers are spread evenly over partitions: each has its share, or the first would be emptied for all others.
        shares = max(1, len(self._partitions))
        dossiers, size, windows = (
            limit // shares for limit in (self._cached_dossiers, self._cached_bytes, self._cached_windows)
        )
        states = self._partitions.values()
        if any(state.facts.exceeds(dossiers, size) for state in states):
            changed: set[Any] = {dossier for batch in unflushed for dossier in batch.facts.columns[0]}
            for state in states:
                state.facts.evict(dossiers, size, changed)
        if any(len(state.windows) > windows for state in states):
            rows: defaultdict[int, set[Any]] = defaultdict(set)
            for batch in unflushed:
                for agency, start, partition in zip(*batch.windows.columns[:3], strict=True):
                    rows[partition].add((agency, start))
            for partition, state in self._partitions.items():
                state.windows.evict(windows, rows[partition])

    def _resume(self, records: Sequence[Record], settle: Callable[[], None]) -> PartitionState:
        """The partition's state, loaded anew where the records do not follow what was counted last."""
        first, partition = records[0].first, records[0].partition
        state = self._partitions.get(partition)
        if state is None or state.next_offset != first:
            settle()
            state = self._partitions[partition] = load_partition(self._store, self._identity.topic, partition, first)
            if self._local:
                # After the numbers of stored cases are read: local state must have the cases that hold them.
                self._local.attach(partition)
        require_sequence(self._identity.topic, records)
        return state

    def _load_facts(self, runs: Sequence[PartitionRun], settle: Callable[[], None]) -> None:
        """Bring the facts of the next dossiers into the caches: as many as may be read at once, one at least."""
        ahead = load_facts(self._store, self._local, runs, self._max_effort, self._max_facts_bytes)
        for run in runs:
            if run.state.partition in ahead:
                # Another process wrote them: a crashed run of these very records, or an owner that lost the partition
                # and lives on. Facts must never be ahead of the windows they are combined with: read those again.
                settle()
                run.state.windows.reset(self._store.read_newest(run.state.partition))

    def _progress(self, run: PartitionRun, now: datetime) -> Row:
        """Note that the records of the run are counted to their end, and the row that says so."""
        state, end = run.state, run.records[-1]
        state.next_offset = end.offset + 1
        last = next((record for record in reversed(run.records) if not record.is_gap), None)
        if last:
            state.last_record = LastRecord(last.offset, last.published)
        ledger = structs.replace(state.ledger, dossiers=state.numbers.last)
        topic, epoch = self._identity.topic, self._identity.epoch
        return progress_row(topic, epoch, end, now, state.limit_window, state.last_record, ledger)


def _partition_of(record: Record) -> int:
    return record.partition
