"""Counting a log into the tables of a rebuild: the raw events, or the topic."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from clickhouse_driver import Client
from msgspec import structs

from schemas.dead_letter import DeadLetter
from schemas.events import MAX_NUMBERED
from schemas.tables import DEAD_LETTERS, Table
from schemas.tables import EVENTS as EVENTS_TABLE
from schemas.topics import EVENTS
from streams.counting.batch_counting import Counting
from streams.counting.dead_letter_limit import DeadLetterLimit
from streams.counting.identity import Identity
from streams.counting.local_state import LocalState
from streams.counting.record import Record
from streams.counting.store_interface import Row
from streams.counting.write_order import DeadLetterSink
from streams.dead_letters.topic import DeadLetterTopic
from streams.errors import RefusedRow
from streams.rebuild import tables
from streams.rebuild.preconditions import source_of
from streams.rebuild.replay import digest_events, records_from_events, records_from_topic, stored_events
from streams.reference.ruling_loading import load_ruling
from streams.storage.clickhouse_client import chunks
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.deployment_plan import Plan
from streams.storage.epochs import Entry, later_than, write_entry
from streams.storage.offset_agreement import PartitionOffsets
from streams.storage.state_folder import CountsOrigin, StateFolder
from streams.worker.pipeline import Pipeline
from streams.worker.state_restoring import restored
from streams.worker.telemetry import Telemetry

_STATE_NAME = "rebuild"
"""The name of its local state. Workers are stopped: one of this name does not have it at the same time."""


class Backfill:
    """Fills the tables of a rebuild. A fill that was interrupted resumes by its own progress while its log is the same.

    `on_step` is told of each step, and `on_progress` after each batch how much of the log is counted and how much there
    is; both may raise to stop. `state` is the directory of local state, if it shall have any.
    """

    def __init__(
        self,
        plan: Plan,
        records: int,
        on_step: Callable[[str], None],
        on_progress: Callable[[int, int], None],
        state: Path | None = None,
    ) -> None:
        self._plan = plan
        self._batch_records = records
        self._on_step = on_step
        self._on_progress = on_progress
        self._state = state

    def from_events(self, client: Client, entry: Entry, resumes: Mapping[int, int], *, new_numbers: bool) -> Entry:
        """Count the raw events; start over where they changed since it began, and repeat where they change meanwhile.

        Workers will resume at these offsets, by partition.
        """
        while True:
            total, digest = digest_events(client)
            source = f"events {total} {digest}"
            if entry.source != source:
                self._on_step(f"count {total} raw events into new tables")
                tables.make(client, entry, self._plan.replicated)
                for partition, offset in resumes.items():
                    if offset:
                        tables.resume_at(client, entry, partition, offset, new_numbers=new_numbers)
                entry = _write_source(client, entry, source)
            with (
                closing(_EventsStore(self._plan.clickhouse, names=tables.NAMES)) as store,
                closing(stored_events(self._plan.clickhouse)) as events,
            ):
                records = records_from_events((event for _, event in events), entry.origin.partitions)
                self._count(self._identity(client, entry), entry, store, _NoDeadLetters(), records, _lines, total)
            if digest_events(client) == (total, digest):
                return entry
            self._on_step("raw events were written meanwhile, by a worker outside the group: count them again")

    def from_topic(self, client: Client, entry: Entry, offsets: Sequence[PartitionOffsets]) -> Entry:
        """Count the topic up to its present end, or its first open transaction, whose records workers will count."""
        source = f"topic {entry.origin.topic_id}"
        ends = {at.partition: at.readable for at in offsets}
        total = sum(ends.values())
        if entry.source != source:
            self._on_step(f"count {total} records of {EVENTS} into new tables")
            tables.make(client, entry, self._plan.replicated)
            entry = _write_source(client, entry, source)
        dead_letters = DeadLetterTopic(self._plan.kafka)
        with closing(ClickHouseStore(self._plan.clickhouse, names=tables.NAMES)) as store, closing(dead_letters):
            starts = dict.fromkeys(ends, 0) | _next_offsets(store)
            with closing(records_from_topic(self._plan.kafka, starts, ends)) as records:
                identity = self._identity(client, entry)
                self._count(identity, entry, store, dead_letters, records, _offsets, total, sum(starts.values()))
        tables.resume_after_replay(client)
        return entry

    def _identity(self, client: Client, entry: Entry) -> Identity:
        """The identity of what is counted: by the loads that are pinned for the epoch in which workers continue."""
        ruling = load_ruling(client, self._plan.profile, entry.epoch)
        return Identity(EVENTS, entry.origin.partitions, entry.epoch - 1, self._plan.profile, ruling)

    def _count(
        self,
        identity: Identity,
        entry: Entry,
        store: ClickHouseStore,
        dead_letters: DeadLetterSink,
        records: Iterable[Record],
        size_of: Callable[[Record], int],
        total: int,
        done: int = 0,
    ) -> None:
        """Count those of the records that the rebuild has not counted yet."""
        starts = _next_offsets(store)
        # Raw events were admitted when they were first counted; their order here is not the one that decided it.
        numbered = sys.maxsize if source_of(entry) == "events" else MAX_NUMBERED
        # However many lines were dead-lettered once, they are dead-lettered again.
        limit = DeadLetterLimit(ratio=1)
        with ExitStack() as stack:
            local = stack.enter_context(self._local_state(self._state, entry)) if self._state else None
            counting = Counting(identity, store, dead_letter_limit=limit, max_numbered=numbered, local=local)
            enter = local.enter if local else None
            pipeline = stack.enter_context(closing(Pipeline(counting, store, dead_letters, enter=enter)))
            for batch in chunks(records, self._batch_records):
                done += sum(map(size_of, batch))
                if left := [record for record in batch if record.offset >= starts.get(record.partition, 0)]:
                    pipeline.take(left)
                self._on_progress(done, total)
            pipeline.settle()

    @contextmanager
    def _local_state(self, directory: Path, entry: Entry) -> Iterator[LocalState]:
        """Local state of what is counted, which is deleted afterwards."""
        # Positions are those of the log that is counted, which the source names.
        counts = CountsOrigin(entry.epoch - 1, entry.source, entry.origin.partitions, self._plan.clickhouse.database)
        folder = StateFolder(directory, _STATE_NAME, counts)
        with closing(ClickHouseStore(self._plan.clickhouse, names=tables.NAMES)) as store:
            with restored(folder, store, EVENTS, Telemetry()) as local:
                yield local
            folder.delete()
            folder.release()


class _EventsStore(ClickHouseStore):
    """The store for counting raw events: they are stored already."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Write the rows of other tables; raises RefusedRow for an event that this version does not count any more."""
        if table is DEAD_LETTERS and rows:
            refused = dict(zip(table.columns, rows[0], strict=True))
            raise RefusedRow(
                f"the table events holds an event that this version refuses ({refused['reason']}: "
                f"{refused['detail']}): {refused['content']!r:.500}; nothing was exchanged, "
                "`dossier rebuild --abandon` goes back to the former counts"
            )
        if table is not EVENTS_TABLE:
            super().write(table, rows)


class _NoDeadLetters:
    """The dead-letter topic of a log that has no dead letters."""

    def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Do nothing: `_EventsStore` has refused them before."""


def _write_source(client: Client, entry: Entry, source: str) -> Entry:
    changed = structs.replace(entry, source=source, changed_at=later_than(entry))
    write_entry(client, changed)
    return changed


def _next_offsets(store: ClickHouseStore) -> dict[int, int]:
    """Where the rebuild resumes in each partition of its log that it has begun."""
    return {partition: reached.offset + 1 for partition, reached in store.read_checkpoints(EVENTS).items()}


def _offsets(record: Record) -> int:
    return record.offset - record.first + 1


def _lines(record: Record) -> int:
    return (record.value or b"").count(b"\n") + 1
