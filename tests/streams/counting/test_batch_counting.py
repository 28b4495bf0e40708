from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.memory_state_store import MemoryStateStore
from chaos.memory_store import MemoryDeadLetters, MemoryStore
from schemas.envelope import MAX_LINES, decode_event, encode_event
from schemas.events import AnyEvent, Received, Resolved, Transferred, Voided
from schemas.instant import EARLIEST, LATEST
from schemas.partition import partition_of
from schemas.tables import EVENTS, FACTS, PROGRESS, WINDOWS, Table
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.local_state import LocalState
from streams.counting.log_position import pack
from streams.counting.record import Record
from streams.counting.state_store import StateOrigin
from streams.counting.store_interface import Row, Stored
from streams.counting.write_order import flush
from streams.errors import LostEvents
from tests.strategies import PUBLISHED, conflicting_events, events
from tests.streams.cases import at, said
from tests.streams.log import (
    DOSSIERS,
    IDENTITY,
    NOW,
    PARTITIONS,
    Log,
    batches,
    expected_facts,
    expected_windows,
    log_of,
    random_log,
    record,
    stored_facts,
    stored_windows,
)
from tests.thorough import sized

OURS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0)
THEIRS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 1)
RECEIVED = said(Received, "2026-03-02 08:00", dossier=OURS, agency="H01")


class Crash(Exception):
    """The process ends here."""


class FragileStore(MemoryStore):
    """Crashes at the given write into a table, after a part of its rows."""

    def __init__(self, table: Table | None = None, part: float = 0.0) -> None:
        super().__init__()
        self.table = table
        self._part = part

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        if self.table is table and rows:
            super().write(table, rows[: round(len(rows) * self._part)])
            raise Crash(table.name)
        super().write(table, rows)


class Worker:
    """Counts and flushes one batch after the other; `take` returns when it is flushed."""

    def __init__(self, store: MemoryStore, limit: int = 1000, local: LocalState | None = None) -> None:
        self.store = store
        self.dead = MemoryDeadLetters()
        self.local = local
        self.counting = Counting(IDENTITY, store, dossiers=limit, windows=limit, local=local)

    def take(self, records: Iterable[Record]) -> Batch:
        (batch,) = self.counting.count(list(records), lambda: None, NOW)
        self.counting.trim([batch])
        with ThreadPoolExecutor(1) as beside:
            flush(batch, self.store, self.dead, beside)
        if self.local:
            self.local.enter(batch.facts, batch.progress)
        return batch


def everything(log: Log) -> list[Record]:
    return [entry for records in log.values() for entry in records]


def assert_right(store: MemoryStore, log: Log) -> None:
    assert stored_facts(store) == expected_facts(log)
    assert stored_windows(store) == expected_windows(log)


def test_one_reception_makes_a_row_everywhere() -> None:
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, RECEIVED)])
    assert {name: len(rows) for name, rows in worker.store.rows.items()} == {
        "events": 1,
        "facts": 1,
        "windows": 1,
        "progress": 1,
        "dead_letters": 0,
    }
    assert stored_windows(worker.store) == {("H01", 1_772_413_200, 0): {"received": 1}}


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1000, 1], ids=["cached", "evicted"])
@pytest.mark.parametrize("seed", range(20))
def test_the_same_events_in_any_batches_give_the_same_counts(seed: int, limit: int) -> None:
    random = Random(seed)
    log = random_log(random)
    worker = Worker(MemoryStore(), limit)
    for batch in batches(log, random):
        worker.take(batch)
    assert expected_windows(log)
    assert_right(worker.store, log)


@pytest.mark.slow
@settings(max_examples=sized(10, 100))
@given(
    history=st.lists(events(DOSSIERS) | conflicting_events(DOSSIERS), min_size=1, max_size=20),
    seed=st.integers(0, 2**32),
)
def test_any_events_in_any_order_and_number_give_the_same_counts(history: list[AnyEvent], seed: int) -> None:
    random = Random(seed)
    repeated = [*history, *random.choices(history, k=3)]
    random.shuffle(repeated)
    log = {
        partition: [Record(entry.partition, entry.offset, LATE, entry.value) for entry in records]
        for partition, records in log_of(*repeated).items()
    }
    worker = Worker(MemoryStore())
    for batch in batches(log, random):
        worker.take(batch)
    assert_right(worker.store, log_of(*history))


LATE = round(PUBLISHED.timestamp() * 1000)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("table", [EVENTS, WINDOWS, FACTS, PROGRESS], ids=lambda table: str(table.name))
def test_a_crash_at_any_step_of_a_flush_and_a_replay_in_other_batches(table: Table, part: float) -> None:
    for seed in range(sized(3, 5)):
        random = Random(seed)
        log = random_log(random)
        store = FragileStore(part=part)
        first = Worker(store)
        taken = []
        for number, batch in enumerate(batches(log, random)):
            store.table = table if number >= 4 else None
            taken += batch
            try:
                first.take(batch)
            except Crash:
                break
        else:
            pytest.fail("the crash did not come")
        store.table = None
        again = Worker(store)
        starts = {partition: random.randint(0, _next(store, partition)) for partition in log}
        for batch in batches({p: records[starts[p] :] for p, records in log.items()}, random):
            again.take(batch)
        assert_right(store, log)


def _next(store: MemoryStore, partition: int) -> int:
    reached = store.read_checkpoints(IDENTITY.topic).get(partition)
    return reached.offset + 1 if reached else 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(sized(5, 10)))
def test_a_zombie_that_goes_on_with_old_caches_changes_nothing(seed: int) -> None:
    random = Random(seed)
    log = random_log(random)
    store = MemoryStore()
    zombie, owner = Worker(store), Worker(store)
    parts = list(batches(log, random))
    half = len(parts) // 2
    for batch in parts[:half]:
        zombie.take(batch)
    for batch in batches(log, random):
        owner.take(batch)
    assert_right(store, log)
    for batch in parts[half:]:
        zombie.take(batch)
        assert_right(store, log)


@pytest.mark.parametrize("forgotten", [True, False], ids=["revocation-noticed", "revocation-missed"])
def test_a_partition_that_comes_back_finds_what_another_counted_meanwhile(forgotten: bool) -> None:
    log = random_log(Random(1))
    store = MemoryStore()
    former, between = Worker(store), Worker(store)
    former.take(entry for entry in everything(log) if entry.offset < 4)
    between.take(entry for entry in everything(log) if 4 <= entry.offset < 8)
    if forgotten:
        former.counting.forget(log)
    former.take(entry for entry in everything(log) if entry.offset >= 8)
    assert_right(store, log)


def test_redelivered_records_add_nothing_and_are_confirmed_again() -> None:
    log = random_log(Random(2))
    worker = Worker(MemoryStore())
    worker.take(everything(log))
    again = worker.take(everything(log))
    assert (len(again.facts), len(again.windows)) == (0, 0)
    assert len(again.progress) == PARTITIONS
    assert_right(worker.store, log)


class CountingReads(MemoryStore):
    """Notes which dossiers' facts were read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[set[str]] = []

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        self.asked.append(set(dossiers))
        return super().read_facts(dossiers, max_bytes)


def steps(dossier: str, partition: int, numbers: Iterable[int]) -> list[Record]:
    return [
        record(partition, n, said(Transferred, f"2026-03-02 08:{n:02}", dossier=dossier, agency=f"H{n}"))
        for n in numbers
    ]


def test_what_is_cached_is_not_read_again_until_it_is_forgotten() -> None:
    worker = Worker(store := CountingReads())
    worker.take([record(0, 0, RECEIVED)])
    worker.counting.forget([0])
    store.asked.clear()
    worker.take(steps(OURS, 0, [1]))
    worker.take(steps(OURS, 0, [2]))
    assert store.asked == [{OURS}]
    worker.counting.forget([0])
    worker.take(steps(OURS, 0, [3]))
    assert store.asked == [{OURS}, {OURS}]


def test_the_store_is_asked_about_no_dossier_once_local_state_is_complete() -> None:
    of_ours = [dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0][:3]
    local = LocalState(store := CountingReads(), IDENTITY.topic)
    local.open_with(MemoryStateStore(), StateOrigin(1, "id", PARTITIONS, "dossiers", "boot", "folder"))
    worker = Worker(store, 1, local)
    worker.take(steps(of_ours[0], 0, [0]))
    assert store.asked == [{of_ours[0]}]
    assert local.complete == 0
    for _ in local.restore():
        pass
    assert local.complete == 1
    for offset, dossier in enumerate((of_ours[1], of_ours[2], of_ours[1], of_ours[0]), 1):
        worker.take(steps(dossier, 0, [offset]))
    assert store.asked == [{of_ours[0]}]
    assert {row["number"] for row in store.newest(FACTS).values()} == {1, 2, 3}


def test_local_state_of_a_revoked_partition_is_not_restored_until_it_is_counted_again() -> None:
    local = LocalState(store := CountingReads(), IDENTITY.topic)
    local.open_with(MemoryStateStore(), StateOrigin(1, "id", PARTITIONS, "dossiers", "boot", "folder"))
    worker = Worker(store, 1, local)
    worker.take([*steps(OURS, 0, [0]), *steps(THEIRS, 1, [0])])
    worker.counting.revoke([0, 1])
    assert list(local.restore()) == []
    worker.counting.forget([0, 1])
    worker.take(steps(THEIRS, 1, [1]))
    for _ in local.restore():
        pass
    assert local.complete == 1
    assert local.read(1, [THEIRS], 1 << 20) is not None


def test_forgetting_a_partition_leaves_the_others_alone() -> None:
    worker = Worker(store := CountingReads())
    worker.take([*steps(OURS, 0, [0]), *steps(THEIRS, 1, [0])])
    worker.counting.forget([1, 7])
    worker.take([*steps(OURS, 0, [1]), *steps(THEIRS, 1, [1])])
    assert store.asked[-1] == {THEIRS}


def test_the_least_recently_used_are_evicted_first_and_never_what_is_not_yet_written() -> None:
    of_ours = [dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0][:3]
    store = CountingReads()
    counting = Counting(IDENTITY, store, dossiers=2, windows=2)

    def take(offset: int, *dossiers: str) -> Batch:
        events = [said(Received, "2026-03-02 08:00", dossier=d, agency="H01", seq=offset) for d in dossiers]
        (batch,) = counting.count([record(0, offset, *events)], lambda: None, NOW)
        counting.trim([batch])
        return batch

    take(0, *of_ours)  # three at once: nothing of it is written, so nothing may go
    store.asked.clear()
    take(1, of_ours[0])
    assert store.asked == []
    take(2, of_ours[1], of_ours[2])  # one of them was evicted in the meantime, and not the one used last
    assert len(store.asked) == 1
    assert of_ours[0] not in store.asked[0]


def test_each_partition_keeps_its_share_of_the_cache() -> None:
    counting = Counting(IDENTITY, store := CountingReads(), dossiers=3, windows=3)
    busy = [dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 1][:3]

    def take(partition: int, offset: int, dossier: str) -> None:
        event = said(Received, "2026-03-02 08:00", dossier=dossier, agency="H01", seq=offset)
        (batch,) = counting.count([record(partition, offset, event)], lambda: None, NOW)
        counting.trim([batch])

    take(0, 0, OURS)
    for offset, dossier in enumerate(busy * 3):
        take(1, offset, dossier)
    store.asked.clear()
    take(0, 1, OURS)
    assert store.asked == []


def test_a_jump_within_a_batch_is_lost_events() -> None:
    with pytest.raises(LostEvents, match=r"test-events partition 0 goes on at offset 3, but 2 is the next to count"):
        Worker(MemoryStore()).take(steps(OURS, 0, [0, 1, 3]))


def test_a_jump_between_batches_is_lost_events() -> None:
    worker = Worker(MemoryStore())
    worker.take(steps(OURS, 0, [0, 1]))
    with pytest.raises(LostEvents, match="offset 3, but 2 "):
        worker.take(steps(OURS, 0, [3]))


def test_a_jump_after_a_restart_is_lost_events() -> None:
    Worker(store := MemoryStore()).take(steps(OURS, 0, [0, 1]))
    with pytest.raises(LostEvents, match="offset 3, but 2 "):
        Worker(store).take(steps(OURS, 0, [3]))


def test_a_first_offset_above_nought_on_an_empty_store_is_lost_events() -> None:
    with pytest.raises(LostEvents, match="offset 1, but 0 "):
        Worker(MemoryStore()).take(steps(OURS, 0, [1]))


def test_progress_of_another_partition_or_topic_does_not_excuse_a_jump() -> None:
    worker = Worker(MemoryStore())
    worker.take([*steps(THEIRS, 1, [0, 1])])
    with pytest.raises(LostEvents, match="partition 0 goes on at offset 2, but 0 "):
        worker.take(steps(OURS, 0, [2]))


def test_a_restart_at_what_was_counted_already_is_none() -> None:
    Worker(store := MemoryStore()).take(steps(OURS, 0, range(4)))
    for first in range(4):
        Worker(store).take(steps(OURS, 0, range(first, 6)))


def test_a_jump_forward_over_what_another_counted_is_none() -> None:
    store = MemoryStore()
    former = Worker(store)
    former.take(steps(OURS, 0, [0]))
    Worker(store).take(steps(OURS, 0, [1, 2]))
    former.take(steps(OURS, 0, [3]))
    assert store.newest(FACTS)[OURS,]["agency"] == "H3"


def test_nothing_of_a_batch_with_lost_events_is_written() -> None:
    worker = Worker(MemoryStore())
    with pytest.raises(LostEvents):
        worker.take([*steps(THEIRS, 1, [0]), *steps(OURS, 0, [0, 2])])
    assert not any(worker.store.rows.values())


def test_bad_lines_become_dead_letters_and_the_rest_of_their_envelope_counts() -> None:
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, b"{", RECEIVED, b'{"kind":"unknown"}'), record(0, 1, b"[]")])
    letters = worker.dead.letters
    assert [(letter.topic, letter.partition, letter.offset, letter.line, letter.reason) for letter in letters] == [
        ("test-events", 0, 0, 0, "malformed"),
        ("test-events", 0, 0, 2, "unknown_kind"),
        ("test-events", 0, 1, 0, "invalid"),
    ]
    assert [letter.line_bytes for letter in letters] == [b"{", b'{"kind":"unknown"}', b"[]"]
    assert len(stored_facts(worker.store)) == 1


def test_an_event_in_the_wrong_partition_is_a_dead_letter_and_counts_nowhere() -> None:
    stray = said(Received, "2026-03-02 08:00", dossier=THEIRS, agency="H01")
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, stray, RECEIVED)])
    (letter,) = worker.dead.letters
    assert (letter.reason, letter.field, letter.line, letter.line_bytes) == (
        "misplaced",
        "dossier",
        0,
        encode_event(stray),
    )
    assert repr(THEIRS) in letter.detail
    assert stored_facts(worker.store).keys() == {OURS}
    assert [row[0] for row in worker.store.rows["events"]] == [OURS]


def test_a_dossier_belongs_where_its_id_in_nfc_does() -> None:
    # A foreign producer keys its record by the bytes of an id that it writes in NFD.
    ids = [f"ế-{number}" for number in range(40)]
    moved = next(each for each in ids if partition_of(normalize("NFD", each), 2) == 0 != partition_of(each, 2))
    stays = next(each for each in ids if partition_of(normalize("NFD", each), 2) == 0 == partition_of(each, 2))
    written = [
        said(Received, "2026-03-02 08:00", dossier=normalize("NFD", dossier), agency="H01")
        for dossier in (moved, stays)
    ]
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, *written)])
    (letter,) = worker.dead.letters
    assert (letter.reason, letter.line, letter.line_bytes) == ("misplaced", 0, encode_event(written[0]))
    assert stored_facts(worker.store).keys() == {stays}
    # What a replay publishes is the event as it is decoded: it goes where its id belongs.
    assert decode_event(letter.line_bytes).dossier == moved


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_a_value_is_a_dead_letter_and_progress(value: bytes | None) -> None:
    worker = Worker(MemoryStore())
    worker.take([Record(0, 0, LATE, value), record(0, 1, RECEIVED)])
    assert [(letter.offset, letter.reason) for letter in worker.dead.letters] == [(0, "empty")]
    assert worker.store.read_checkpoints(IDENTITY.topic)[0].offset == 1
    assert stored_facts(worker.store).keys() == {OURS}


def test_an_envelope_of_the_greatest_length_counts_to_its_last_line() -> None:
    lines = [said(Voided, "2026-03-02 08:00", dossier=OURS, seq=n, voided=n % 2 == 0) for n in range(MAX_LINES - 1)]
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, *lines, RECEIVED), record(0, 1, said(Resolved, "2026-03-02 08:09", dossier=OURS))])
    assert stored_windows(worker.store) == {}
    assert stored_facts(worker.store)[OURS]["outcome"] == "resolved"
    worker.take([record(0, 2, said(Voided, "2026-03-02 08:00", dossier=OURS, seq=MAX_LINES, voided=False))])
    assert len(stored_windows(worker.store)) == 2


@pytest.mark.parametrize(
    ("timestamp", "published", "counted"),
    [(-1, EARLIEST, False), (10**18, LATEST, True), (0, EARLIEST, False)],
)
def test_a_timestamp_out_of_all_bounds_is_brought_within_them(
    timestamp: int, published: datetime, counted: bool
) -> None:
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, RECEIVED, timestamp=timestamp)])
    assert [letter.reason for letter in worker.dead.letters] == ([] if counted else ["future"])
    row = worker.store.newest(PROGRESS)[IDENTITY.topic, 0]
    stored = datetime.fromtimestamp(row["published_at"] / 1000, UTC)
    assert abs((stored - published).total_seconds()) <= 0.001
    assert row["written_at"] == round(NOW.timestamp() * 1000)


def test_the_future_is_judged_by_the_record_so_that_a_replay_decides_alike() -> None:
    published = round(at("2026-03-02 06:59").timestamp() * 1000)
    for _ in range(2):
        worker = Worker(MemoryStore())
        worker.take([record(0, 0, RECEIVED, timestamp=published), record(0, 1, RECEIVED)])
        assert [(letter.offset, letter.reason) for letter in worker.dead.letters] == [(0, "future")]
        assert len(stored_facts(worker.store)) == 1


def test_a_window_whose_differences_cancel_out_is_written_all_the_same() -> None:
    worker = Worker(MemoryStore())
    worker.take([record(0, 0, RECEIVED)])
    voided, back = (said(Voided, "2026-03-02 09:00", dossier=OURS, seq=n, voided=not n) for n in (0, 1))
    batch = worker.take([record(0, 1, voided), record(0, 2, back)])
    assert len(batch.windows) == 1
    before, after = (row[list(WINDOWS.columns).index("pos")] for row in worker.store.rows["windows"])
    assert (before, after) == (pack(1, 0, 0), pack(1, 2, 0))


def test_earlier_flushes_are_awaited_where_the_store_must_be_believed() -> None:
    store = MemoryStore()
    settled: list[str] = []

    def settle() -> None:
        settled.append("settled")

    counting = Counting(IDENTITY, store)
    list(counting.count(steps(OURS, 0, [0]), settle, NOW))
    assert settled == ["settled"]  # a partition never seen: how far it was counted is read
    list(counting.count(steps(OURS, 0, [1]), settle, NOW))
    assert settled == ["settled"]
    list(counting.count(steps(OURS, 0, [0, 1]), settle, NOW))
    assert settled == ["settled"] * 2


def test_facts_ahead_of_the_batch_make_the_windows_be_read_again() -> None:
    """A former run wrote the windows and facts of offset 1 and died; the cached window is from offset 0."""
    other = next(d for d in DOSSIERS if partition_of(d, PARTITIONS) == 0 and d != OURS)
    log = [
        record(0, 0, RECEIVED),
        record(0, 1, said(Received, "2026-03-02 08:01", dossier=other, agency="H01")),
        record(0, 2, said(Received, "2026-03-02 08:02", dossier=OURS, agency="H02", seq=1)),
    ]
    store = MemoryStore()
    Worker(store).take(log[:1])
    late = Worker(store)
    late.take(log[:1])
    Worker(store).take(log[:2])
    late.take(log[1:])
    assert_right(store, {0: log})


def test_the_rows_of_a_batch_are_the_last_state_of_each() -> None:
    worker = Worker(MemoryStore())
    batch = worker.take([record(0, 0, RECEIVED), *steps(OURS, 0, [1, 2, 3])])
    assert [len(batch.facts), len(batch.events), len(batch.progress)] == [1, 4, 1]
    keys = [row[:3] for row in batch.windows]
    assert len(keys) == len(set(keys)) == 4
    assert stored_windows(worker.store).keys() == {("H3", 1_772_413_200, 0)}
