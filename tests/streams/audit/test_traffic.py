"""An audit is exact while counting goes on, however fast, and wherever a worker stops: never a false difference, and no
real one hidden."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest
from clickhouse_driver import Client
from msgspec import structs

from chaos.memory_store import MemoryDeadLetters
from schemas.connection import ClickHouseConnection
from schemas.events import Event, Received, Resolved, Transferred
from schemas.partition import partition_of as place_of
from schemas.tables import EVENTS as EVENTS_TABLE
from schemas.tables import FACTS, PROGRESS, WINDOWS, Table
from schemas.topics import EVENTS
from streams.audit.audit_run import audit
from streams.audit.cutoff import read_cut
from streams.audit.findings import FactsDifference
from streams.audit.raw_events import Part
from streams.audit.recompute_facts import CaseCheck, CaseResults
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.on_time.ruling import built_in_ruling
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from streams.worker.pipeline import Pipeline
from tests.streams.cases import INSTANT, said
from tests.streams.log import DOSSIERS, NOW, PARTITIONS, Log, log_of, random_event, record
from tests.thorough import sized

pytestmark = pytest.mark.clickhouse

IDENTITY = Identity(EVENTS, PARTITIONS, 1, INSTANT, built_in_ruling())
RECEIVED = said(Received, "2026-03-02 08:00", agency="H01", channel="online")
MOVED = said(Transferred, "2026-03-02 09:00", agency="H02")
RESOLVED = said(Resolved, "2026-03-09 17:30")
PARTITION = place_of("D1", PARTITIONS)


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


@pytest.fixture
def store(clickhouse: ClickHouseConnection) -> Iterator[ClickHouseStore]:
    with closing(ClickHouseStore(clickhouse)) as store:
        yield store


def batch_of(store: ClickHouseStore, log: Log, start: int = 0) -> Batch:
    """What a worker that just began would write for the records from this offset on."""
    counting = Counting(IDENTITY, store)
    (batch,) = counting.count([each for records in log.values() for each in records[start:]], lambda: None, NOW)
    return batch


def write(store: ClickHouseStore, batch: Batch, *tables: Table) -> None:
    for table in tables:
        store.write(table, getattr(batch, table.name))


STEPS = (WINDOWS, EVENTS_TABLE, FACTS, PROGRESS)


class TestWhereAWorkerDied:
    """Rows past progress are neither sound nor different, whatever of a batch is there, until a worker goes on."""

    @pytest.mark.parametrize("written", [1, 2, 3])
    def test_it_is_told_as_not_confirmed(
        self, store: ClickHouseStore, clickhouse: ClickHouseConnection, written: int
    ) -> None:
        log = log_of(RECEIVED, MOVED, RESOLVED)
        write(store, batch_of(store, log_of(RECEIVED)), *STEPS)
        write(store, batch_of(store, log, 1), *STEPS[:written])
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert (found.differences, found.unconfirmed > 0) == (0, True)

    def test_events_alone_are_nothing_yet(self, store: ClickHouseStore, clickhouse: ClickHouseConnection) -> None:
        write(store, batch_of(store, log_of(RECEIVED)), *STEPS)
        write(store, batch_of(store, log_of(RECEIVED, MOVED), 1), EVENTS_TABLE)
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert (found.differences, found.unconfirmed) == (0, 0)

    def test_nothing_was_ever_finished(self, store: ClickHouseStore, clickhouse: ClickHouseConnection) -> None:
        write(store, batch_of(store, log_of(RECEIVED)), *STEPS[:3])
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert (found.differences, found.unconfirmed) == (0, 2)

    def test_windows_ahead_by_several_batches(self, store: ClickHouseStore, clickhouse: ClickHouseConnection) -> None:
        log = log_of(RECEIVED, MOVED, RESOLVED)
        write(store, batch_of(store, log_of(RECEIVED)), *STEPS)
        counting = Counting(IDENTITY, store)
        ahead = [batch for each in log[PARTITION][1:] for batch in counting.count([each], lambda: None, NOW)]
        for batch in ahead:
            write(store, batch, WINDOWS)

        def go_on() -> None:
            for batch in ahead:
                write(store, batch, *STEPS[1:])

        finish = threading.Timer(0.5, go_on)
        finish.start()
        found = audit(clickhouse, INSTANT, patience=20)
        finish.join()
        assert (found.differences, found.unconfirmed) == (0, 0)

    def test_what_differs_behind_it_is_told_all_the_same(
        self, store: ClickHouseStore, clickhouse: ClickHouseConnection, client: Client
    ) -> None:
        write(store, batch_of(store, log_of(RECEIVED)), *STEPS)
        client.execute("INSERT INTO windows SELECT * REPLACE (5 AS rated, pos + 1 AS pos) FROM windows")
        client.execute("INSERT INTO facts SELECT * REPLACE ('x' AS step, pos + 1 AS pos) FROM facts")
        write(store, batch_of(store, log_of(RECEIVED, RESOLVED), 1), WINDOWS)
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert [(each.counter, each.stored, each.recomputed) for each in found.window_differences] == [("rated", 5, 0)]
        assert found.facts_differences == [FactsDifference("D1", "step", "x", "")]
        assert found.unconfirmed == 1


class TestWhatWasRecordedAgain:
    """One row of raw events stands for all recordings of a content; the last is kept, wherever it was in the log."""

    AGAIN = structs.replace(RECEIVED, recorded_at=RESOLVED.occurred_at)

    @pytest.mark.parametrize("again", [AGAIN, RECEIVED], ids=["later", "the same"])
    @pytest.mark.parametrize("merged", [False, True])
    def test_it_is_no_difference_while_its_facts_are_to_come(
        self, store: ClickHouseStore, clickhouse: ClickHouseConnection, client: Client, again: Event, *, merged: bool
    ) -> None:
        write(store, batch_of(store, log_of(RECEIVED, RESOLVED)), *STEPS)
        write(store, batch_of(store, log_of(RECEIVED, RESOLVED, again), 2), EVENTS_TABLE)
        if merged:
            client.execute("OPTIMIZE TABLE events FINAL")
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert (found.differences, found.unconfirmed) == (0, int(merged))
        write(store, batch_of(store, log_of(RECEIVED, RESOLVED, again), 2), *STEPS)
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert (found.differences, found.unconfirmed, found.events) == (0, 0, 2)

    def test_windows_wait_for_it(
        self, store: ClickHouseStore, clickhouse: ClickHouseConnection, client: Client
    ) -> None:
        log = log_of(RECEIVED, RESOLVED, self.AGAIN, MOVED)
        write(store, batch_of(store, log_of(RECEIVED)), *STEPS)
        write(store, batch_of(store, log, 1), *STEPS[:3])
        client.execute("OPTIMIZE TABLE events FINAL")
        assert audit(clickhouse, INSTANT, patience=0.2).differences == 0
        write(store, batch_of(store, log, 1), PROGRESS)
        found = audit(clickhouse, INSTANT, patience=0.2)
        assert (found.differences, found.unconfirmed) == (0, 0)

    @pytest.mark.parametrize("again", [AGAIN, RECEIVED], ids=["later", "the same"])
    def test_a_row_kept_of_a_case_that_goes_on_changing_is_no_difference(
        self, store: ClickHouseStore, clickhouse: ClickHouseConnection, client: Client, again: Event
    ) -> None:
        log = log_of(RECEIVED, again, MOVED)
        check = CaseCheck(clickhouse, INSTANT, built_in_ruling())
        received = batch_of(store, log_of(RECEIVED))
        write(store, received, *STEPS[:3])
        kept = CaseResults()
        check.run(client, Part(), read_cut(client), {}, kept)
        assert (kept.differences, list(kept.pending)) == ([], ["D1"])

        write(store, received, PROGRESS)
        write(store, batch_of(store, log_of(RECEIVED, again), 1), *STEPS)
        client.execute("OPTIMIZE TABLE events FINAL")
        moved = batch_of(store, log, 2)
        write(store, moved, *STEPS[:3])
        newer = CaseResults()
        check.run(client, Part(), read_cut(client), kept.pending, newer)
        assert (newer.differences, list(newer.pending)) == ([], ["D1"])

        write(store, moved, PROGRESS)
        last = CaseResults()
        check.run(client, Part(), read_cut(client), newer.pending, last)
        assert (last.differences, last.pending, last.dossiers) == ([], {}, 1)


class Traffic:
    """A worker that counts as fast as it can: eight dossiers, three windows, so that everything moves all the time."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        self.batches = 0
        self._random = Random(7)
        self._store = ClickHouseStore(clickhouse)
        self._next = dict.fromkeys(range(PARTITIONS), 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        while self.batches < 5:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        with closing(Pipeline(Counting(IDENTITY, self._store), self._store, MemoryDeadLetters())) as pipeline:
            while not self._stop.is_set():
                pipeline.take([self._record(self._random.randrange(PARTITIONS)) for _ in range(5)])
                self.batches += 1
            pipeline.settle()

    def _record(self, partition: int) -> Record:
        dossiers = [each for each in DOSSIERS if place_of(each, PARTITIONS) == partition]
        events = [random_event(self._random, self._random.choice(dossiers)) for _ in range(3)]
        self._next[partition] += 1
        return record(partition, self._next[partition] - 1, *events)


def test_audits_beside_traffic_find_nothing_and_confirm_everything(clickhouse: ClickHouseConnection) -> None:
    with Traffic(clickhouse) as traffic:
        for _ in range(sized(3, 12)):
            before = traffic.batches
            found = audit(clickhouse, INSTANT)
            assert (found.differences, found.unconfirmed, found.dossiers) == (0, 0, len(DOSSIERS)), found
            assert traffic.batches > before


def test_what_moved_is_audited_beside_traffic(clickhouse: ClickHouseConnection, client: Client) -> None:
    with Traffic(clickhouse):
        for _ in range(3):
            since = read_cut(client)
            found = audit(clickhouse, INSTANT, since=since)
            assert (found.differences, found.unconfirmed, found.scope) == (0, 0, "moved"), found


def test_what_is_wrong_is_found_beside_traffic(clickhouse: ClickHouseConnection, client: Client) -> None:
    with Traffic(clickhouse):
        client.execute(
            "INSERT INTO windows SELECT * REPLACE (rated + 7 AS rated, 'H03' AS agency) FROM windows FINAL LIMIT 1"
        )
        client.execute("INSERT INTO facts SELECT * REPLACE ('nobody' AS dossier) FROM facts FINAL LIMIT 1")
        found = audit(clickhouse, INSTANT)
        assert {each.agency for each in found.window_differences} >= {"H03"}
        assert found.facts_differences == [FactsDifference("nobody", "dossier", "nobody", "missing")]
