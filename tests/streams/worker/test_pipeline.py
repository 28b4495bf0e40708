import gc
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from threading import Condition, Event
from typing import Any
from weakref import ReferenceType, ref

import pytest

from chaos.memory_state_store import MemoryStateStore
from chaos.memory_store import MemoryDeadLetters, MemoryStore
from schemas.dead_letter import DeadLetter
from schemas.events import Received, Transferred
from schemas.partition import partition_of
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.batch_counting import Counting
from streams.counting.local_state import LocalState
from streams.counting.record import Record
from streams.counting.state_store import StateOrigin
from streams.counting.store_interface import Row
from streams.errors import LostEvents, RefusedRow
from streams.worker.cadence import Cadence
from streams.worker.pipeline import Pipeline
from tests.streams.cases import said
from tests.streams.log import DOSSIERS, IDENTITY, PARTITIONS, record, stored_windows

SECONDS = 10
OURS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0)


class WatchedStore(MemoryStore):
    """Notes what begins and ends; a write into a table may be held back or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.held: dict[str, Event] = {}
        self.failing: dict[str, Exception] = {}
        self.asked: list[int] = []
        self.on_read: Callable[[], None] = lambda: None
        self._changed = Condition()

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        self.asked.append(partition)
        self.on_read()
        return super().read_case_numbers(partition, pos)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        if not rows:
            return
        self.note(self.begun, table.name)
        if table.name in self.held:
            assert self.held[table.name].wait(SECONDS)
        if table.name in self.failing:
            raise self.failing[table.name]
        super().write(table, rows)
        self.note(self.ended, table.name)

    def note(self, where: list[str], what: str) -> None:
        with self._changed:
            where.append(what)
            self._changed.notify_all()

    def await_count(self, name: str, count: int) -> None:
        """Return once writes into the table have ended so many times."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.ended.count(name) >= count, SECONDS), self.ended

    def await_(self, where: list[str], *names: str) -> None:
        """Return once all of these were noted there."""
        with self._changed:
            assert self._changed.wait_for(lambda: set(names) <= set(where), SECONDS), where


class WatchedDeadLetters(MemoryDeadLetters):
    """Notes that letters were sent among the writes."""

    def __init__(self, store: WatchedStore) -> None:
        super().__init__()
        self._store = store

    def send(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            if "topic" in self._store.failing:
                raise self._store.failing["topic"]
            super().send(letters)
            self._store.note(self._store.ended, "topic")


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


@pytest.fixture
def make_pipeline(store: WatchedStore) -> Iterator[Callable[[], Pipeline]]:
    """Makes pipelines on the store that are closed in the end, with nothing held back any more."""
    with ExitStack() as stack:

        def make() -> Pipeline:
            pipeline = Pipeline(Counting(IDENTITY, store), store, WatchedDeadLetters(store))
            stack.callback(pipeline.close)
            return pipeline

        yield make
        for event in store.held.values():
            event.set()


@pytest.fixture
def pipeline(make_pipeline: Callable[[], Pipeline]) -> Pipeline:
    return make_pipeline()


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Another thread, for what blocks."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def moved(offset: int) -> Record:
    """A record by which the dossier is with another agency, and a line that is none."""
    event = said(Transferred, f"2026-03-02 08:{offset:02}", dossier=OURS, agency=f"H{offset}")
    return record(0, offset, said(Received, "2026-03-02 08:00", dossier=OURS, agency="H0"), event, b"{")


def confirmed(future: "Future[None]") -> bool:
    return future.done() and future.exception() is None


def test_windows_are_confirmed_before_facts_and_everything_before_progress(
    pipeline: Pipeline, store: WatchedStore
) -> None:
    pipeline.take([moved(0)]).result(SECONDS)
    order = {name: store.ended.index(name) for name in store.ended}
    assert order["windows"] < order["facts"] < order["progress"]
    assert order["progress"] == len(order) - 1 == 5
    assert order.keys() == {"events", "windows", "facts", "dead_letters", "topic", "progress"}


@pytest.mark.parametrize(
    ("held", "begun", "not_begun"),
    [
        (WINDOWS, {"events", "windows"}, {"facts", "dead_letters", "progress"}),
        (FACTS, {"events", "windows", "facts"}, {"dead_letters", "progress"}),
        (EVENTS, {"events", "windows", "facts", "dead_letters"}, {"progress"}),
        (DEAD_LETTERS, {"events", "windows", "facts", "dead_letters"}, {"progress"}),
        (PROGRESS, {"events", "windows", "facts", "dead_letters", "progress"}, set()),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_each_write_waits_for_those_before_it_and_the_future_for_all(
    pipeline: Pipeline, store: WatchedStore, held: Table, begun: set[str], not_begun: set[str]
) -> None:
    store.held[held.name] = Event()
    future = pipeline.take([moved(0)])
    store.await_(store.begun, *begun)
    store.await_(store.ended, *(begun - {held.name}))
    assert not not_begun & set(store.begun)
    assert not future.done()
    store.held[held.name].set()
    future.result(SECONDS)
    assert not_begun <= set(store.ended)


def test_the_next_batch_is_counted_beside_a_flush_but_not_written(
    pipeline: Pipeline, store: WatchedStore, beside: ThreadPoolExecutor
) -> None:
    store.held["windows"] = Event()
    first = pipeline.take([moved(0)])
    store.await_(store.begun, "windows")
    counted = Event()
    pipeline.telemetry.batch_counted = lambda *_: counted.set()  # type: ignore[method-assign]  # hears of it
    other = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0 and dossier != OURS)
    received = said(Received, "2026-03-02 08:00", dossier=other, agency="H9")
    second = beside.submit(pipeline.take, [record(0, 1, received)])
    assert counted.wait(SECONDS)
    assert not first.done()
    assert not second.done()
    assert store.begun.count("windows") == 1
    store.held["windows"].set()
    second.result(SECONDS).result(SECONDS)
    assert confirmed(first)
    assert store.ended.count("progress") == 2
    assert {key[0] for key in stored_windows(store)} == {"H0", "H9"}


@pytest.mark.parametrize("failing", ["events", "windows", "facts", "dead_letters", "topic", "progress"])
def test_a_failing_flush_fails_its_future_and_nothing_later_is_written(
    pipeline: Pipeline, store: WatchedStore, failing: str
) -> None:
    store.failing[failing] = RefusedRow(failing)
    future = pipeline.take([moved(0)])
    with pytest.raises(RefusedRow, match=failing):
        future.result(SECONDS)
    assert "progress" not in store.ended
    later = {
        "windows": {"facts", "dead_letters", "topic"},
        "facts": {"dead_letters", "topic"},
        "dead_letters": {"topic"},
    }
    assert not later.get(failing, set()) & set(store.ended)
    written = list(store.ended)
    store.failing.clear()
    with pytest.raises(RefusedRow, match=failing):
        pipeline.take([moved(1)])
    with pytest.raises(RefusedRow, match=failing):
        pipeline.settle()
    assert store.ended == written


def test_a_batch_that_cannot_be_counted_leaves_the_flush_before_it_alone(
    pipeline: Pipeline, store: WatchedStore
) -> None:
    store.held["windows"] = Event()
    future = pipeline.take([moved(0)])
    store.held["windows"].set()
    with pytest.raises(LostEvents):
        pipeline.take([moved(2)])
    future.result(SECONDS)
    assert store.read_checkpoints(IDENTITY.topic)[0].offset == 0


def test_records_that_come_again_within_a_batch_are_counted_once(pipeline: Pipeline, store: WatchedStore) -> None:
    pipeline.take([moved(offset) for offset in (0, 1, 2, 1, 2, 3)]).result(SECONDS)
    assert {key: counts["received"] for key, counts in stored_windows(store).items()} == {("H3", 1_772_413_200, 0): 1}
    assert store.ended.count("progress") == 2
    assert store.read_checkpoints(IDENTITY.topic)[0].offset == 3


def test_what_comes_before_lost_events_within_a_batch_is_written_and_nothing_after(
    pipeline: Pipeline, store: WatchedStore
) -> None:
    with pytest.raises(LostEvents, match="offset 3, but 2 "):
        pipeline.take([moved(offset) for offset in (0, 1, 3)])
    pipeline.settle()
    assert store.read_checkpoints(IDENTITY.topic)[0].offset == 1
    assert {key[0] for key in stored_windows(store)} == {"H1"}


def test_settling_with_nothing_in_flight_returns_at_once(pipeline: Pipeline) -> None:
    pipeline.settle()


def test_settling_waits_for_the_flush_in_flight(
    pipeline: Pipeline, store: WatchedStore, beside: ThreadPoolExecutor
) -> None:
    store.held["facts"] = Event()
    future = pipeline.take([moved(0)])
    settled = beside.submit(pipeline.settle)
    store.await_(store.begun, "facts")
    assert not settled.done()
    store.held["facts"].set()
    settled.result(SECONDS)
    assert confirmed(future)


def test_closing_waits_for_the_flush_in_flight(
    pipeline: Pipeline, store: WatchedStore, beside: ThreadPoolExecutor
) -> None:
    store.held["facts"] = Event()
    future = pipeline.take([moved(0)])
    closed = beside.submit(pipeline.close)
    store.await_(store.begun, "facts")
    assert not closed.done()
    store.held["facts"].set()
    closed.result(SECONDS)
    assert confirmed(future)


def test_closing_gives_up_a_flush_that_does_not_end(pipeline: Pipeline, store: WatchedStore) -> None:
    store.held["facts"] = Event()
    future = pipeline.take([moved(0)])
    store.await_(store.begun, "facts")
    assert not pipeline.close(0.01)
    assert not future.done()
    store.held["facts"].set()
    assert pipeline.close(SECONDS)


def test_what_was_revoked_is_read_again_by_the_next_batch_only(pipeline: Pipeline, store: WatchedStore) -> None:
    pipeline.take([moved(0)])
    pipeline.take([moved(1)])
    assert len(store.asked) == 1
    pipeline.revoke({0})
    assert len(store.asked) == 1
    pipeline.take([moved(2)])
    assert len(store.asked) == 2
    pipeline.take([moved(3)]).result(SECONDS)
    assert len(store.asked) == 2
    assert {key[0] for key in stored_windows(store)} == {"H3"}


def test_a_revocation_within_a_batch_waits_for_the_next(pipeline: Pipeline, store: WatchedStore) -> None:
    store.on_read = lambda: pipeline.revoke({0, 1})
    pipeline.take([moved(0)])
    store.on_read = lambda: None
    pipeline.take([moved(1)]).result(SECONDS)
    assert store.asked == [0, 0]
    assert {key[0] for key in stored_windows(store)} == {"H1"}


def test_local_state_of_what_was_revoked_is_restored_no_longer_at_once(store: WatchedStore) -> None:
    local = LocalState(store, IDENTITY.topic)
    local.open_with(MemoryStateStore(), StateOrigin(1, "id", PARTITIONS, "dossiers", "boot", "folder"))
    pipeline = Pipeline(Counting(IDENTITY, store, local=local), store, WatchedDeadLetters(store), enter=local.enter)
    pipeline.take([moved(0)]).result(SECONDS)
    pipeline.revoke({0})
    assert list(local.restore()) == []
    pipeline.take([moved(1)]).result(SECONDS)
    for _ in local.restore():
        pass
    assert local.complete == 1
    assert pipeline.close(SECONDS)


def test_what_was_revoked_is_read_again_when_its_last_flush_is_done(
    pipeline: Pipeline, store: WatchedStore, beside: ThreadPoolExecutor
) -> None:
    store.held["windows"] = Event()
    pipeline.take([moved(0)])
    pipeline.revoke({0})
    second = beside.submit(pipeline.take, [moved(1)])
    store.await_(store.begun, "windows")
    assert len(store.asked) == 1
    store.held["windows"].set()
    second.result(SECONDS).result(SECONDS)
    assert len(store.asked) == 2
    assert {key[0] for key in stored_windows(store)} == {"H1"}


def test_progress_carries_the_time_of_the_clock_it_was_given(store: WatchedStore) -> None:
    now = datetime(2026, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)
    pipeline = Pipeline(Counting(IDENTITY, store), store, MemoryDeadLetters(), lambda: now)
    pipeline.take([moved(0)]).result(SECONDS)
    pipeline.close()
    assert store.newest(PROGRESS)[IDENTITY.topic, 0]["written_at"] == 1_778_051_289_123


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def layered(store: WatchedStore, clock: Clock) -> Iterator[Pipeline]:
    """A pipeline that writes windows after one second, everything after five; it has just written a first batch."""
    pipeline = Pipeline(
        Counting(IDENTITY, store), store, WatchedDeadLetters(store), cadence=Cadence(1.0, 5.0), clock=clock
    )
    with closing(pipeline):
        pipeline.take([moved(0)]).result(SECONDS)
        store.begun.clear()
        store.ended.clear()
        yield pipeline


def test_after_a_pause_everything_is_written_at_once(layered: Pipeline, store: WatchedStore, clock: Clock) -> None:
    clock.seconds += 5
    assert layered.take([moved(1)]).result(SECONDS) is None
    assert "progress" in store.ended


def test_windows_are_written_before_everything_else_is_due(
    layered: Pipeline, store: WatchedStore, clock: Clock
) -> None:
    clock.seconds += 0.9
    first = layered.take([moved(1)])
    assert store.begun == []
    clock.seconds += 0.1
    layered.flush_due()
    store.await_(store.ended, "windows")
    assert {key[0] for key in stored_windows(store)} == {"H1"}
    second = layered.take([moved(2)])
    clock.seconds += 1
    layered.flush_due()
    store.await_count("windows", 2)
    assert store.ended == ["windows", "windows"]
    assert not first.done()
    assert store.read_checkpoints(IDENTITY.topic)[0].offset == 0
    clock.seconds += 3
    layered.flush_due()
    for future in (first, second):
        future.result(SECONDS)
    assert store.ended.count("facts") == store.ended.count("progress") == 1
    assert store.read_checkpoints(IDENTITY.topic)[0].offset == 2
    assert len(store.newest(FACTS)) == 1


def test_of_each_key_only_the_newest_row_is_written(layered: Pipeline, store: WatchedStore, clock: Clock) -> None:
    rows = {table: len(store.rows[table]) for table in ("windows", "facts", "progress", "events")}
    for offset in (1, 2, 3):
        layered.take([moved(offset)])
    clock.seconds += 5
    layered.flush_due()
    layered.settle()
    added = {table: len(store.rows[table]) - before for table, before in rows.items()}
    # Four agencies had the dossier, of which each lost or won it once or twice.
    assert added == {"windows": 4, "facts": 1, "progress": 1, "events": 6}


def test_what_is_due_while_a_flush_is_in_flight_follows_it(
    layered: Pipeline, store: WatchedStore, clock: Clock
) -> None:
    store.held["windows"] = Event()
    layered.take([moved(1)])
    clock.seconds += 1
    layered.flush_due()
    store.await_(store.begun, "windows")
    last = layered.take([moved(2)])
    clock.seconds += 4
    layered.flush_due()
    assert store.begun == ["windows"]
    store.held["windows"].set()
    last.result(SECONDS)
    assert store.ended.count("progress") == 1


def test_draining_writes_everything_at_once_until_partitions_are_assigned(
    layered: Pipeline, store: WatchedStore
) -> None:
    waiting = layered.take([moved(1)])
    layered.drain()
    waiting.result(SECONDS)
    layered.take([moved(2)]).result(SECONDS)
    layered.drain(on=False)
    assert not layered.take([moved(3)]).done()
    assert store.ended.count("progress") == 2


def test_what_was_counted_before_lost_events_is_written(layered: Pipeline, store: WatchedStore) -> None:
    waiting = layered.take([moved(1)])
    with pytest.raises(LostEvents):
        layered.take([moved(3)])
    assert confirmed(waiting)
    assert store.read_checkpoints(IDENTITY.topic)[0].offset == 1


@pytest.mark.slow
@pytest.mark.parametrize("cadence", [Cadence(60, 60, max_effort=20), Cadence(60, 60, max_bytes=1000)])
def test_no_more_than_the_bounds_waits(store: WatchedStore, cadence: Cadence, beside: ThreadPoolExecutor) -> None:
    with closing(Pipeline(Counting(IDENTITY, store), store, MemoryDeadLetters(), cadence=cadence)) as pipeline:
        pipeline.take([moved(0)]).result(SECONDS)
        store.held["facts"] = Event()
        futures: list[Future[None]] = []
        taking = beside.submit(lambda: futures.extend(pipeline.take([moved(offset)]) for offset in range(1, 20)))
        store.await_(store.begun, "facts")
        with pytest.raises(TimeoutError):
            taking.result(0.2)
        assert not any(future.done() for future in futures)
        store.held["facts"].set()
        taking.result(SECONDS)
    assert all(map(confirmed, futures))
    assert 3 < store.ended.count("progress") < 19


def test_a_flush_of_windows_that_fails_fails_everything_that_waits(
    layered: Pipeline, store: WatchedStore, clock: Clock
) -> None:
    waiting = layered.take([moved(1)])
    store.failing["windows"] = RefusedRow("windows")
    clock.seconds += 1
    layered.flush_due()
    with pytest.raises(RefusedRow, match="windows"):
        waiting.result(SECONDS)
    with pytest.raises(RefusedRow, match="windows"):
        layered.take([moved(2)])
    assert "facts" not in store.begun


def test_what_is_written_is_freed_without_the_cycle_collector(store: WatchedStore) -> None:
    """A worker collects once a minute: a cycle would keep all batches of that minute."""
    flushes: list[ReferenceType[Future[None]]] = []

    class Flusher(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            done = super().submit(*arguments, **options)
            flushes.append(ref(done))
            return done

    gc.disable()
    try:
        with closing(Pipeline(Counting(IDENTITY, store), store, MemoryDeadLetters(), flusher=Flusher(1))) as pipeline:
            for offset in range(3):
                pipeline.take([moved(offset)]).result(SECONDS)
            pipeline.settle()
        assert [flush() for flush in flushes] == [None] * 3
    finally:
        gc.enable()
