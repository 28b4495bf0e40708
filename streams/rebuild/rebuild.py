"""A rebuild: facts and windows counted again into new tables, which then replace the serving ones.

It counts a log – records made of the raw events, or the topic – with the same batch core as workers do, in an epoch of
its own; workers resume in the next one. The steps that are done show in `deployment` and in a constraint on the new
tables, so a rebuild that was killed at any point is finished by starting it again.
"""

from pathlib import Path
from typing import Protocol

from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from msgspec import structs

from schemas.tables import REFRESHES, WINDOWS
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import commit_offsets, require_no_members
from streams.errors import NotMigrated, Unfinished
from streams.rebuild import restatement, tables
from streams.rebuild.backfill import Backfill
from streams.rebuild.preconditions import (
    Source,
    changes,
    new_entry,
    require_complete_topic,
    require_own_cluster,
    require_same,
    resume_offset,
    serving_entry,
    source_of,
)
from streams.rebuild.replay import digest_events
from streams.reference.ruling_pins import held, newest, pin_newest
from streams.storage.clickhouse_client import database
from streams.storage.deployment_plan import Plan
from streams.storage.epochs import Entry, History, Origin, later_than, read_history, write_entry
from streams.storage.migration import find_origin
from streams.storage.offset_agreement import read_offsets
from streams.storage.rollups import refresh
from streams.storage.table_migration import apply, pending_views, require_migrated

_LONGEST_SECONDS = 6 * 3600
"""How long the comparison of all months may take: it must not be lost to the time that an answer usually has."""


class Observer(Protocol):
    """Is told how a rebuild proceeds. Each call may raise to stop the rebuild, which can then be resumed."""

    def step(self, line: str) -> None:
        """The next step begins."""

    def counted(self, done: int, total: int) -> None:
        """A batch is counted: so much of the log is done, and so much there is."""

    def waiting_for(self, workers: set[str]) -> None:
        """These workers are still in the group."""


class Rebuild:
    """A rebuild of one database: `run` begins or resumes it, `preview` describes it, `abandon` gives it up.

    Without a `source` it takes that of an unfinished rebuild, else the raw events. With `take_over` it may move the
    database to another Kafka cluster. `state` is the directory of local state, if it shall have any. `why` and `by` are
    kept with the figures that move. All methods raise Unreachable, NotMigrated, or an error that says what must be done
    first.
    """

    def __init__(
        self,
        plan: Plan,
        source: Source | None,
        observer: Observer,
        *,
        records: int = 100,
        take_over: bool = False,
        state: Path | None = None,
        why: str = "",
        by: str = "",
    ) -> None:
        self._plan = plan
        self._source = source
        self._why = why
        self._by = by
        self._observer = observer
        self._records = records
        self._take_over = take_over
        self._state = state
        self._database = plan.clickhouse.database

    def preview(self) -> list[str]:
        """What `run` would do, a line each."""
        found = find_origin(self._plan)
        with database(self._plan.clickhouse) as client:
            history = self._read_history(client)
            serving = serving_entry(history)
            entry = history.unfinished or self._new_entry(history, found)
            is_from_events = source_of(entry) == "events"
            lines = [
                f"finish the unfinished rebuild of database {self._database} from {source_of(entry)}"
                if history.unfinished
                else f"rebuild database {self._database} from "
                + (f"{digest_events(client)[0]} raw events" if is_from_events else f"topic {EVENTS}"),
                *changes(serving, entry),
                *self._loads(client, serving, entry),
            ]
            if tables.is_exchanged(client, WINDOWS, entry):
                return [*lines, "the counts are exchanged; offsets, views and old tables are left to do"]
            self._require_allowed(history, found)
            offsets = read_offsets(self._plan.kafka, self._plan.clickhouse)
            if is_from_events:
                resumes = [(at, resume_offset(at, serving.origin, found) or at.first) for at in offsets]
                return [*lines, *(f"partition {at.partition}: workers resume at offset {to}" for at, to in resumes)]
            require_complete_topic(history, found, offsets)
            counts = [
                f"partition {at.partition}: count offsets 0 to {at.readable - 1}" for at in offsets if at.readable
            ]
            return [*lines, *counts]

    def run(self) -> Entry:
        """Rebuild; returns the epoch that serves then."""
        found = find_origin(self._plan)
        require_no_members(self._plan.kafka, self._observer.waiting_for)
        with database(self._plan.clickhouse) as client:
            history = self._read_history(client)
            entry = history.unfinished or self._new_entry(history, found)
            if not tables.is_exchanged(client, WINDOWS, entry):
                self._require_allowed(history, found)
                serving, is_resumed = serving_entry(history), history.unfinished is not None
                restatement.begin(client, serving, entry, self._why, self._by, is_resumed=is_resumed)
                entry = self._fill(client, history, entry, found)
                self._restate(serving, entry)
            for table in tables.REBUILT:
                if not tables.is_exchanged(client, table, entry):
                    self._observer.step(f"exchange {table.name}")
                    tables.exchange(client, table, self._plan.replicated)
            return self._finish(client, entry)

    def abandon(self) -> bool:
        """Go back to the counts that serve; False where no rebuild is unfinished.

        Raises Unfinished where the exchange has begun.
        """
        with database(self._plan.clickhouse) as client:
            entry = read_history(client).unfinished
            if entry is None:
                return False
            if tables.is_exchanged(client, WINDOWS, entry):
                raise Unfinished(
                    f"the rebuild of database {self._database} has exchanged tables and cannot be given up: finish it "
                    "with `dossier rebuild`"
                )
            tables.drop(client)
            write_entry(client, structs.replace(entry, state="abandoned", changed_at=later_than(entry)))
            return True

    def _loads(self, client: Client, serving: Entry, entry: Entry) -> list[str]:
        """The line that says which loads would decide instead of others, if any."""
        pinned = held(client, entry.epoch)
        now, then = held(client, serving.epoch).loads, pinned.loads if pinned.pinned_at else newest(client)
        return [] if now == then else [f"loads that decide terms: {now} -> {then}"]

    def _read_history(self, client: Client) -> History:
        require_migrated(client, self._plan)
        return read_history(client)

    def _new_entry(self, history: History, found: Origin) -> Entry:
        return new_entry(history, found, self._source or "events", self._database)

    def _require_allowed(self, history: History, found: Origin) -> None:
        if history.unfinished:
            require_same(history.unfinished, found, self._source, self._database)
        elif not self._take_over:
            stored = serving_entry(history).origin
            require_own_cluster(stored, found, self._database, self._plan.kafka.bootstrap)

    def _fill(self, client: Client, history: History, entry: Entry, found: Origin) -> Entry:
        """Count the log into new tables."""
        stored = serving_entry(history).origin
        # Before the log is read: events that are counted by now are in it.
        offsets = read_offsets(self._plan.kafka, self._plan.clickhouse)
        is_from_topic = source_of(entry) == "topic"
        if is_from_topic:
            require_complete_topic(history, found, offsets)
        if not history.unfinished:
            write_entry(client, entry)
            # From here on no worker starts; one that was just starting may have joined.
            require_no_members(self._plan.kafka, self._observer.waiting_for)
        # Whatever is loaded from here on, a rebuild that is resumed counts by the same loads, and so will the workers.
        pinned = pin_newest(client, entry.epoch)
        self._observer.step(f"terms are decided by {pinned.loads}")
        backfill = Backfill(self._plan, self._records, self._observer.step, self._observer.counted, self._state)
        if is_from_topic:
            return backfill.from_topic(client, entry, offsets)
        resumes = {at.partition: resume_offset(at, stored, found) for at in offsets}
        return backfill.from_events(client, entry, resumes, new_numbers=stored.partitions != entry.origin.partitions)

    def _restate(self, serving: Entry, entry: Entry) -> None:
        """Compare the counts that were shown with the new ones, while there are both."""
        self._observer.step("compare what was shown with what will be")
        profile = self._plan.profile.counted_by(entry.origin.rules)
        try:
            with database(self._plan.clickhouse, _LONGEST_SECONDS, max_execution_time=0) as patient:
                moved = restatement.finish(patient, serving, entry, profile)
        except NotMigrated as error:
            # A table or column of the former counts is gone: they are what the rebuild is to repair.
            self._observer.step(f"the former counts cannot be compared: {error}")
        else:
            self._observer.step(f"{moved} figures of months move: `dossier rules history` shows them")

    def _finish(self, client: Client, entry: Entry) -> Entry:
        """Make the views, set the group's offsets and drop the former tables; then the epoch serves."""
        applied = dict(client.execute("SELECT name, checksum FROM migrations FINAL"))
        for script, why in pending_views(
            client, self._plan.profile.counted_by(entry.origin.rules), self._plan.clickhouse.database, applied
        ):
            self._observer.step(f"repair: {why}" if why else f"apply {script.name}")
            apply(client, script)
        self._observer.step("fill the roll-ups")
        self._fill_rollups(client)
        self._observer.step("set the group's offsets")
        offsets = read_offsets(self._plan.kafka, self._plan.clickhouse, verify=False)
        with topics.admin(self._plan.kafka) as kafka:
            commit_offsets(kafka, {at.partition: at.next or at.first for at in offsets})
        self._observer.step("drop the former tables")
        tables.drop(client)
        serving = structs.replace(entry, state="serving", changed_at=later_than(entry))
        write_entry(client, serving)
        return serving

    def _fill_rollups(self, client: Client) -> None:
        """Fill what is made of windows and facts, which readers would otherwise see as counted before."""
        try:
            refresh(client, REFRESHES)
        except ServerException as error:
            reason = " ".join(str(error).split())
            self._observer.step(f"roll-ups follow by themselves within forty minutes: {reason:.200}")
