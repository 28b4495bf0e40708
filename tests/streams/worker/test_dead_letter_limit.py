"""A flood of dead letters against the real core: it stops in time, stays stopped, and can be accepted."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from chaos.memory_store import MemoryDeadLetters, MemoryStore
from schemas.events import Received
from schemas.partition import partition_of
from schemas.tables import DEAD_LETTERS
from streams.counting.batch_counting import Counting
from streams.counting.dead_letter_limit import DeadLetterLimit, LimitWindow
from streams.counting.record import Record
from streams.counting.write_order import flush
from streams.errors import TooManyDeadLetters
from tests.streams.cases import said
from tests.streams.log import (
    DOSSIERS,
    IDENTITY,
    NOW,
    PARTITIONS,
    batches,
    expected_facts,
    expected_windows,
    lines_of,
    random_log,
    record,
    stored_facts,
    stored_windows,
)

OURS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0)
THEIRS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 1)
LIMIT = DeadLetterLimit(20, 0.25)
"""Five of twenty lines."""


class Worker:
    """Counts and flushes one batch after the other, as one run of a worker does."""

    def __init__(self, store: MemoryStore, limit: DeadLetterLimit = LIMIT) -> None:
        self._store = store
        self._counting = Counting(IDENTITY, store, dead_letter_limit=limit)

    def take(self, *records: Record) -> None:
        (batch,) = self._counting.count(records, lambda: None, NOW)
        with ThreadPoolExecutor(1) as beside:
            flush(batch, self._store, MemoryDeadLetters(), beside)


def good(offset: int, lines: int = 1) -> Record:
    return record(
        0, offset, *(said(Received, "2026-03-02 08:00", dossier=OURS, agency=f"H{offset}.{n}") for n in range(lines))
    )


def bad(offset: int, lines: int = 1) -> Record:
    return record(0, offset, *[b"{"] * lines)


def reached(store: MemoryStore) -> tuple[int, LimitWindow]:
    found = store.read_checkpoints(IDENTITY.topic)[0]
    return found.offset, found.limit_window


def test_what_is_too_much_is_neither_written_nor_acknowledged() -> None:
    store = MemoryStore()
    worker = Worker(store)
    worker.take(good(0, 6), bad(1, 4))
    assert reached(store) == (1, LimitWindow(10, 4))
    written = {name: list(rows) for name, rows in store.rows.items()}
    elsewhere = record(1, 0, said(Received, "2026-03-02 08:00", dossier=THEIRS, agency="H1"))
    with pytest.raises(TooManyDeadLetters):
        worker.take(good(2), bad(3, 2), elsewhere)
    assert store.rows == written


def test_the_reason_says_how_much_of_what_and_where_and_what_to_do() -> None:
    stray = said(Received, "2026-03-02 08:00", dossier=THEIRS, agency="H1")
    with pytest.raises(TooManyDeadLetters) as stopped:
        Worker(MemoryStore()).take(good(0), record(0, 1, b"secret {", stray), bad(2), record(0, 3, b"[", b"[", b"{}"))
    assert stopped.value.exit_code == 4
    assert str(stopped.value).startswith(
        "test-events partition 0 has too many dead letters: 6 of 7 lines cannot be counted, DOSSIER_DEAD_RATIO=0.25 "
        "allows 5 in DOSSIER_DEAD_LINES=20. At offsets 1 to 3: 3 invalid, 2 malformed, 1 misplaced. "
    )
    assert "DOSSIER_DEAD_RATIO" in str(stopped.value).split("start again")[1]
    assert "secret" not in str(stopped.value)


def test_a_worker_that_starts_again_stops_again_at_once() -> None:
    store = MemoryStore()
    Worker(store).take(good(0, 6), bad(1, 4))
    for _ in range(3):
        with pytest.raises(TooManyDeadLetters, match="partition 0 has too many dead letters: 6 of 12 lines"):
            Worker(store).take(bad(2, 2))
    assert reached(store) == (1, LimitWindow(10, 4))
    assert len(store.newest(DEAD_LETTERS)) == 4


def test_restarts_with_the_smallest_batches_do_not_drain_the_topic() -> None:
    store = MemoryStore()
    for offset in range(5):
        Worker(store).take(bad(offset))
    for _ in range(10):
        with pytest.raises(TooManyDeadLetters):
            Worker(store).take(bad(5))
    assert len(store.newest(DEAD_LETTERS)) == 5


def test_a_higher_ratio_is_enough_to_go_on_and_the_former_one_can_be_had_back() -> None:
    store = MemoryStore()
    flood = [good(0), *(bad(offset, 3) for offset in range(1, 5))]
    with pytest.raises(TooManyDeadLetters):
        Worker(store).take(*flood)
    Worker(store, DeadLetterLimit(20, 0.9)).take(*flood)
    assert len(store.newest(DEAD_LETTERS)) == 12
    Worker(store).take(bad(5), good(6))
    assert reached(store) == (6, LimitWindow(2, 1))


def test_a_ratio_of_1_takes_everything() -> None:
    store = MemoryStore()
    Worker(store, DeadLetterLimit(20, 1.0)).take(*(bad(offset, 50) for offset in range(5)))
    assert len(store.newest(DEAD_LETTERS)) == 250


def test_records_that_come_again_are_not_seen_twice() -> None:
    store = MemoryStore()
    worker = Worker(store)
    worker.take(good(0), bad(1, 3), good(2))
    for again in (Worker(store), worker):
        again.take(bad(1, 3), good(2))
        again.take(good(0), bad(1, 3))
        again.take(good(0), bad(1, 3), good(2))
        assert reached(store) == (2, LimitWindow(5, 3))
    with pytest.raises(TooManyDeadLetters, match="6 of 8 lines"):
        worker.take(good(2), bad(3, 3))


def test_each_partition_is_measured_by_itself() -> None:
    store = MemoryStore()
    Worker(store).take(bad(0, 5), record(1, 0, *[b"{"] * 5))
    assert len(store.newest(DEAD_LETTERS)) == 10


def test_misplaced_lines_are_seen_in_their_order_among_the_others() -> None:
    store = MemoryStore()
    worker = Worker(store, DeadLetterLimit(10, 0.2))
    worker.take(good(0, 8))
    stray = said(Received, "2026-03-02 08:00", dossier=THEIRS, agency="H1")
    worker.take(record(0, 1, stray, stray, b"{", b"{"))
    assert reached(store) == (1, LimitWindow(2, 2))


def test_a_record_that_cannot_be_divided_is_one_line() -> None:
    store = MemoryStore()
    Worker(store).take(Record(0, 0, 0, b"\n" * 5000), Record(0, 1, 0, None))
    assert reached(store) == (1, LimitWindow(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_flood_is_accepted_without_loss_and_without_doubles(seed: int) -> None:
    """Stopped at random batches, started again with the limit raised: the counts are those of the whole log."""
    random = Random(seed)
    log = random_log(random)
    store = MemoryStore()
    limits = [DeadLetterLimit(6, ratio) for ratio in (0.0, 0.34, 1.0)]
    worker = Worker(store, limits[0])
    stopped = 0
    for batch in batches(log, random):
        while True:
            try:
                worker.take(*batch)
            except TooManyDeadLetters:
                stopped += 1
                limits.pop(0)
                worker = Worker(store, limits[0])
            else:
                break
    assert bool(stopped) == bool(store.newest(DEAD_LETTERS))
    assert stored_facts(store) == expected_facts(log)
    assert stored_windows(store) == expected_windows(log)
    dead = {(IDENTITY.topic, *place) for place, event in lines_of(log) if event is None}
    assert store.newest(DEAD_LETTERS).keys() == dead
