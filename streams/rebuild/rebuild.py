"""A rebuild: facts and windows counted anew into other tables, which then take the place of those that serve.

It counts a log – records made of the raw events, or the topic – with the same batch core as workers do, in an epoch of
its own; workers go on in the next one. What it has done is told by `deployment` and by a constraint on the tables it
made, so that one that was killed anywhere is finished by starting it again. The constraint also keeps workers out that
still count in a former epoch.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Literal, Protocol

from clickhouse_driver import Client
from msgspec import structs

from schemas.ddl import create
from schemas.dead_letter import DeadLetter
from schemas.events import MAX_NUMBERED
from schemas.profile import profile_of
from schemas.tables import DEAD_LETTERS, FACTS, PROGRESS, WINDOWS, Table
from schemas.tables import EVENTS as EVENTS_TABLE
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import commit_offsets, require_nobody
from streams.counting.counting import Counting
from streams.counting.dead_letter_limit import DeadLetterLimit
from streams.counting.identity import Identity
from streams.counting.position import MAX_EPOCH, pack
from streams.counting.record import Record
from streams.counting.store import Row
from streams.counting.write_order import DeadLetters
from streams.dead_letters.topic import DeadLetterTopic
from streams.errors import Astray, NotMigrated, RefusedRow, Unfinished
from streams.rebuild.replay import digest_of_events, records_of, records_of_topic, stored_events
from streams.storage.clickhouse import ClickHouseStore, database
from streams.storage.identity import Entry, History, Origin, difference, later_than, read_history, write_entry
from streams.storage.migration import Plan, apply, find_origin, pending_views, require_migrated
from streams.storage.offsets import Standing, read_standings
from streams.worker.pipeline import Pipeline

Source = Literal["events", "topic"]

_REBUILT = (WINDOWS, FACTS, PROGRESS)
"""In the order of their exchange."""
_REPLAYED = "progress_replayed"
"""How far the rebuild itself has counted its log."""
_EPOCH = pack(1, 0, 0)


class Watch(Protocol):
    """Whoever looks on; each call may raise to end the rebuild, which then can be gone on with."""

    def say(self, line: str) -> None:
        """Hear of the next step."""

    def counted(self, done: int, total: int) -> None:
        """Hear how much of the log is counted, after each batch."""

    def waits_for(self, workers: set[str]) -> None:
        """Hear that workers are still in the group."""


class Rebuild:
    """A rebuild of one database, begun or gone on with by `run`, looked at by `look`, given up by `abandon`.

    `source` None takes that of an unfinished one, else the raw events. `take_over` lets it move the database to another
    Kafka cluster. All raise Unreachable, NotMigrated, or an error that says what else must be done first.
    """

    def __init__(
        self, plan: Plan, source: Source | None, watch: Watch, *, records: int = 100, take_over: bool = False
    ) -> None:
        self._plan = plan
        self._source = source
        self._watch = watch
        self._records = records
        self._take_over = take_over
        self._database = plan.clickhouse.database

    def look(self) -> list[str]:
        """What `run` would do, a line each."""
        found = find_origin(self._plan)
        with database(self._plan.clickhouse) as client:
            history = self._history(client)
            serving = _serving(history)
            entry = history.unfinished or self._entry(history, found)
            lines = [
                f"finish the unfinished rebuild of database {self._database} from {_source(entry)}"
                if history.unfinished
                else f"rebuild database {self._database} from "
                + (f"{digest_of_events(client)[0]} raw events" if _source(entry) == "events" else f"topic {EVENTS}"),
                *_moves(serving, entry),
            ]
            if self._is_live(client, WINDOWS, entry):
                return [*lines, "the counts are exchanged; offsets, views and old tables are left to do"]
            self._permit(history, entry, found)
            standings = read_standings(self._plan.kafka, self._plan.clickhouse)
            if _source(entry) == "topic":
                _require_whole(history, found, standings)
                return [
                    *lines,
                    *(
                        f"partition {at.partition}: count offsets 0 to {at.readable - 1}"
                        for at in standings
                        if at.readable
                    ),
                ]
            return [
                *lines,
                *(
                    f"partition {at.partition}: workers go on at offset {resume or at.first}"
                    for at in standings
                    for resume in [_resume(at, serving.origin, found)]
                ),
            ]

    def run(self) -> Entry:
        """Rebuild; returns what serves then."""
        found = find_origin(self._plan)
        require_nobody(self._plan.kafka, self._watch.waits_for)
        with database(self._plan.clickhouse) as client:
            history = self._history(client)
            serving = _serving(history)
            entry = history.unfinished or self._entry(history, found)
            if not self._is_live(client, WINDOWS, entry):
                self._permit(history, entry, found)
                # Read before the log is: events that are counted by then are in it.
                standings = read_standings(self._plan.kafka, self._plan.clickhouse)
                if _source(entry) == "topic":
                    _require_whole(history, found, standings)
                if not history.unfinished:
                    write_entry(client, entry)
                    # From here on no worker starts; one that was just starting may have joined.
                    require_nobody(self._plan.kafka, self._watch.waits_for)
                resumes = {at.partition: _resume(at, serving.origin, found) for at in standings}
                if _source(entry) == "topic":
                    entry = self._fill_from_topic(client, entry, standings)
                else:
                    is_divided_anew = serving.origin.partitions != entry.origin.partitions
                    entry = self._fill_from_events(client, entry, resumes, is_divided_anew)
            for table in _REBUILT:
                if not self._is_live(client, table, entry):
                    self._watch.say(f"exchange {table.name}")
                    if not client.execute(f"EXISTS TABLE {table.name}")[0][0]:
                        client.execute(create(table.name, self._plan.replicated))
                    client.execute(f"EXCHANGE TABLES {table.name} AND {_rebuilt(table)}")
            return self._finish(client, entry)

    def abandon(self) -> bool:
        """Go back to the counts that serve; False where no rebuild is unfinished.

        Raises Unfinished where the exchange has begun.
        """
        with database(self._plan.clickhouse) as client:
            entry = read_history(client).unfinished
            if entry is None:
                return False
            if self._is_live(client, WINDOWS, entry):
                raise Unfinished(
                    f"the rebuild of database {self._database} is past going back: finish it with `dossier rebuild`"
                )
            self._drop(client)
            write_entry(client, structs.replace(entry, state="abandoned", changed_at=later_than(entry)))
            return True

    def _history(self, client: Client) -> History:
        require_migrated(client, self._plan)
        return read_history(client)

    def _entry(self, history: History, found: Origin) -> Entry:
        """The row of a rebuild that is to begin: its log is counted in the epoch before."""
        epoch = history.last_epoch + 2
        if epoch > MAX_EPOCH:
            raise Astray(f"database {self._database} was rebuilt {epoch // 2} times: positions have no room for more")
        return Entry(epoch, found, "rebuilding", self._source or "events", datetime.now(UTC))

    def _permit(self, history: History, entry: Entry, found: Origin) -> None:
        """Raise unless this rebuild may count what there is."""
        if history.unfinished:
            source = _source(entry)
            if entry.origin != found or self._source not in (None, source):
                raise Unfinished(
                    f"the unfinished rebuild of database {self._database} counts from {source}, {_told(entry.origin)}, "
                    f"but now it is from {self._source or source}, {_told(found)}: finish it with the settings that it "
                    "was begun with, or give it up with `dossier rebuild --abandon`"
                )
            return
        stored = _serving(history).origin
        is_foreign = stored.cluster not in ("", found.cluster)
        error = difference(stored, found, self._database, self._plan.kafka.bootstrap)
        if is_foreign and error and not self._take_over:
            raise error

    def _fill_from_events(self, client: Client, entry: Entry, resumes: dict[int, int], is_divided_anew: bool) -> Entry:
        """Count the raw events; begins anew where they changed since it began, and repeats where they did meanwhile."""
        while True:
            total, digest = digest_of_events(client)
            ready = f"events {total} {digest}"
            if entry.source != ready:
                self._watch.say(f"count {total} raw events into tables of their own")
                self._make(client, entry)
                for partition, offset in resumes.items():
                    if offset:
                        _copy_progress(client, entry, partition, offset, is_divided_anew=is_divided_anew)
                entry = self._write(client, entry, ready)
            with (
                closing(_Stored(self._plan.clickhouse, names=_NAMES)) as store,
                closing(stored_events(self._plan.clickhouse)) as events,
            ):
                records = records_of((event for _, event in events), entry.origin.partitions)
                self._count(entry, store, _Nowhere(), records, _lines, total)
            if digest_of_events(client) == (total, digest):
                return entry
            self._watch.say("raw events were written meanwhile, by a worker that nobody sees: once more")

    def _fill_from_topic(self, client: Client, entry: Entry, standings: Sequence[Standing]) -> Entry:
        """Count the topic, up to where it ends now; what waits for an open transaction is left to the workers."""
        ready = f"topic {entry.origin.topic_id}"
        ends = {at.partition: at.readable for at in standings}
        total = sum(ends.values())
        if entry.source != ready:
            self._watch.say(f"count {total} records of {EVENTS} into tables of their own")
            self._make(client, entry)
            entry = self._write(client, entry, ready)
        dead = DeadLetterTopic(self._plan.kafka)
        with closing(ClickHouseStore(self._plan.clickhouse, names=_NAMES)) as store, closing(dead):
            starts = dict.fromkeys(ends, 0) | _starts(store)
            with closing(records_of_topic(self._plan.kafka, starts, ends)) as records:
                self._count(entry, store, dead, records, _offsets, total, sum(starts.values()))
        client.execute(
            f"INSERT INTO {_rebuilt(PROGRESS)} SELECT * REPLACE (pos + {_EPOCH} AS pos) FROM {_REPLAYED} FINAL"  # noqa: S608  # our names
        )
        return entry

    def _count(
        self,
        entry: Entry,
        store: ClickHouseStore,
        dead: DeadLetters,
        records: Iterable[Record],
        weigh: Callable[[Record], int],
        total: int,
        done: int = 0,
    ) -> None:
        """Count those of the records that the rebuild has not counted yet."""
        starts = _starts(store)
        identity = Identity(EVENTS, entry.origin.partitions, entry.epoch - 1, self._plan.profile)
        # Raw events were taken when they were counted first, and are not in the order in which that was decided.
        numbered = sys.maxsize if _source(entry) == "events" else MAX_NUMBERED
        # Lines that were put aside once are put aside again, however many they are.
        counting = Counting(identity, store, dead_letter_limit=DeadLetterLimit(ratio=1), max_numbered=numbered)
        with closing(Pipeline(counting, store, dead)) as pipeline:
            for batch in _batches(records, self._records):
                done += sum(map(weigh, batch))
                if left := [record for record in batch if record.offset >= starts.get(record.partition, 0)]:
                    pipeline.take(left)
                self._watch.counted(done, total)
            pipeline.settle()

    def _make(self, client: Client, entry: Entry) -> None:
        """Make the tables that are to be filled, empty, and closed to every epoch before the rebuild's own."""
        self._drop(client)
        for table, name in [*((table, _rebuilt(table)) for table in _REBUILT), (PROGRESS, _REPLAYED)]:
            # As declared, whatever the table that serves has become.
            client.execute(create(table.name, self._plan.replicated, name))
            constraint = f"{_constraint(entry)} CHECK pos >= {pack(entry.epoch - 1, 0, 0)}"
            client.execute(f"ALTER TABLE {name} ADD CONSTRAINT {constraint}")

    def _drop(self, client: Client) -> None:
        for name in (*map(_rebuilt, _REBUILT), _REPLAYED):
            client.execute(f"DROP TABLE IF EXISTS {name} SYNC SETTINGS max_table_size_to_drop = 0")

    def _is_live(self, client: Client, table: Table, entry: Entry) -> bool:
        """Whether the table that serves is the one that this rebuild made."""
        return _constraint(entry) in _constraints(client, table.name)

    def _finish(self, client: Client, entry: Entry) -> Entry:
        applied = dict(client.execute("SELECT name, checksum FROM migrations FINAL"))
        for script, why in pending_views(client, profile_of(entry.origin.rules), applied):
            self._watch.say(f"mend: {why}" if why else f"apply {script.name}")
            apply(client, script)
        self._watch.say("set the group's offsets")
        standings = read_standings(self._plan.kafka, self._plan.clickhouse, verify=False)
        with topics.admin(self._plan.kafka) as kafka:
            commit_offsets(kafka, {at.partition: at.next or at.first for at in standings})
        self._watch.say("drop the former tables")
        self._drop(client)
        serving = structs.replace(entry, state="serving", changed_at=later_than(entry))
        write_entry(client, serving)
        return serving

    def _write(self, client: Client, entry: Entry, source: str) -> Entry:
        changed = structs.replace(entry, source=source, changed_at=later_than(entry))
        write_entry(client, changed)
        return changed


_NAMES = {WINDOWS.name: "windows_rebuilt", FACTS.name: "facts_rebuilt", PROGRESS.name: _REPLAYED}


class _Stored(ClickHouseStore):
    """Where counts of the raw events go: those themselves are there already."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Write the rows, but no events; raises RefusedRow for an event that this version does not count any more."""
        if table is DEAD_LETTERS and rows:
            letter = dict(zip(table.columns, rows[0], strict=True))
            raise RefusedRow(
                f"the table events holds an event that this version refuses ({letter['reason']}: {letter['detail']}): "
                f"{letter['content']!r:.500}; nothing was exchanged, `dossier rebuild --abandon` goes back"
            )
        if table is not EVENTS_TABLE:
            super().write(table, rows)


class _Nowhere:
    """Dead letters of a log that has none."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Nothing: `_Stored` has refused them before."""


def _source(entry: Entry) -> str:
    return entry.source.partition(" ")[0]


def _rebuilt(table: Table) -> str:
    return f"{table.name}_rebuilt"


def _constraint(entry: Entry) -> str:
    return f"from_epoch_{entry.epoch - 1}"


def _constraints(client: Client, table: str) -> list[str]:
    rows = client.execute(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = %(name)s",
        {"name": table},
    )
    return re.findall(r"CONSTRAINT `?(from_epoch_\d+)`? CHECK", rows[0][0]) if rows else []


def _copy_progress(client: Client, entry: Entry, partition: int, offset: int, *, is_divided_anew: bool) -> None:
    """Let workers go on at this offset of the partition.

    What the ledger says of it goes along, so that a rebuild hides nothing: that progress was moved, or that there were
    more cases than raw events tell of. Only where the log is another is it begun anew.
    """
    ledger = (
        "if(progress.offset = %(last)s, progress.records, 0) AS records, "
        "if(progress.offset = %(last)s, progress.skipped, %(offset)s) AS skipped, "
        f"{'toUInt32(0)' if is_divided_anew else 'progress.dossiers'} AS dossiers"
    )
    client.execute(
        f"INSERT INTO {_rebuilt(PROGRESS)} SELECT * REPLACE "  # noqa: S608  # our names
        f"(toUInt64(%(pos)s) AS pos, toUInt64(%(last)s) AS offset, {ledger}) "
        "FROM progress FINAL WHERE topic = %(topic)s AND partition = %(partition)s",
        {
            "pos": pack(entry.epoch, offset, 0) - 1,
            "last": offset - 1,
            "offset": offset,
            "topic": EVENTS,
            "partition": partition,
        },
    )


def _resume(standing: Standing, stored: Origin, found: Origin) -> int:
    """Where workers go on in a partition once its raw events are counted; 0 where nothing of it was ever counted.

    What was counted of a partition that was cut off cannot be told from what was not: all of it comes again, and what
    the raw events hold changes nothing.
    """
    if stored.topic_id != found.topic_id or stored.cluster not in ("", found.cluster):
        return 0
    return standing.first if standing.is_replaced else standing.next


def _require_whole(history: History, found: Origin, standings: Iterable[Standing]) -> None:
    """Raise Astray unless the topic holds every record that was ever counted, each in the partition of its dossier."""
    served = [entry.origin for entry in history.entries if entry.state == "serving"]
    answer = "count the raw events instead: `dossier rebuild`"
    if any((origin.topic_id, origin.partitions) != (found.topic_id, found.partitions) for origin in served):
        raise Astray(
            f"topic {EVENTS} was made anew or given other partitions since its counts began, so that it does not hold "
            f"all of them in their places: {answer}"
        )
    for at in standings:
        if at.first or at.is_replaced:
            raise Astray(
                f"{EVENTS} partition {at.partition} does not hold all that was counted of it (it has offsets "
                f"{at.first} to {at.end - 1}, {at.next} is the next to count): {answer}"
            )


def _serving(history: History) -> Entry:
    if history.serving is None:
        raise NotMigrated("the database belongs to no topic yet, there is nothing to rebuild: run `dossier migrate`")
    return history.serving


def _moves(serving: Entry, entry: Entry) -> list[str]:
    """What is otherwise in the epoch to come, a line each."""
    was, will = structs.asdict(serving.origin), structs.asdict(entry.origin)
    changed = {"epoch": (serving.epoch, entry.epoch)} | {key: (was[key], will[key]) for key in was}
    return [f"{key.replace('_', ' ')}: {old or '-'} -> {new}" for key, (old, new) in changed.items() if old != new]


def _told(origin: Origin) -> str:
    return f"topic id {origin.topic_id}, {origin.partitions} partitions, rules {origin.rules}"


def _offsets(record: Record) -> int:
    return record.offset - record.first + 1


def _lines(record: Record) -> int:
    return (record.value or b"").count(b"\n") + 1


def _starts(store: ClickHouseStore) -> dict[int, int]:
    """Where the rebuild goes on in each partition of its log that it has begun."""
    return {partition: reached.offset + 1 for partition, reached in store.read_checkpoints(EVENTS).items()}


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    iterator = iter(records)
    while batch := list(islice(iterator, size)):
        yield batch
