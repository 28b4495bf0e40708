"""One dossier with more than anybody needs: what is one too many is put aside, and nobody else waits for long."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from chaos.memory_store import MemoryDeadLetters, MemoryStore
from chaos.oracle.expected_rows import Capacity
from schemas.envelope import encode_event
from schemas.events import Amended, Paid, Received, Refunded, Resolved, Transferred
from schemas.partition import partition_of
from schemas.tables import DEAD_LETTERS, EVENTS, FACTS
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.dead_letter_limit import DeadLetterLimit
from streams.counting.record import Record
from streams.counting.write_order import flush
from tests.streams.cases import said
from tests.streams.log import (
    DOSSIERS,
    IDENTITY,
    NOW,
    PARTITIONS,
    Log,
    batches,
    expected_facts,
    expected_windows,
    lines_of,
    log_of,
    random_log,
    record,
    stored_facts,
    stored_windows,
)
from tests.thorough import sized

OURS, OTHER = [dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0][:2]
THEIRS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 1)
RECEIVED = said(Received, "2026-03-02 08:00", dossier=OURS, agency="H00")
NEVER = DeadLetterLimit(ratio=1)


class Worker:
    """Counts with room for `numbered` numbers a dossier, cuts batches after `effort`, and forgets what it can."""

    def __init__(
        self, store: MemoryStore, numbered: int = 1000, effort: int = 10**6, limit: DeadLetterLimit = NEVER
    ) -> None:
        self.store = store
        self.counting = Counting(
            IDENTITY, store, dossiers=1, windows=1, max_numbered=numbered, max_effort=effort, dead_letter_limit=limit
        )

    def take(self, records: Iterable[Record], flushes: int = 10**6) -> list[Batch]:
        """Ends, as by a crash, after so many flushes."""
        taken: list[Batch] = []
        for batch in self.counting.count(list(records), lambda: None, NOW):
            if len(taken) == flushes:
                break
            self.counting.trim([batch])
            with ThreadPoolExecutor(1) as beside:
                flush(batch, self.store, MemoryDeadLetters(), beside)
            taken.append(batch)
        return taken


def paid(number: int, dossier: str = OURS, **fields: object) -> Paid:
    when = f"2026-03-{number % 28 + 1:02} {number // 28 % 24:02}:00"
    return said(
        Paid,
        when,
        **{"id": f"p{number}", "dossier": dossier, "transaction": f"T{number}", "amount": 1, "method": "cash"} | fields,
    )


def letters(store: MemoryStore) -> dict[tuple[int, int, int], str]:
    found: Any = store.final(DEAD_LETTERS)
    return {(p, offset, line): reason for _, p, offset, line, reason, *_ in found}


def taken_of(log: Log, numbered: int) -> tuple[Log, set[tuple[int, int, int]]]:
    """The log as if it had only what counts, and the places of what does not for being one too many."""
    capacity = Capacity(numbered)
    full = {place for place, event in lines_of(log) if event is not None and not capacity.takes(event)}
    events = [event for place, event in lines_of(log) if event is not None and place not in full]
    return log_of(*events), full


def test_what_is_one_too_many_is_put_aside_with_its_reason_and_nothing_else() -> None:
    worker = Worker(MemoryStore(), numbered=3)
    third, fourth = paid(3), paid(4)
    more = (paid(1, id="again", amount=9, seq=1), said(Resolved, "2026-03-05 08:00", dossier=OURS), paid(9, OTHER))
    worker.take([record(0, 0, RECEIVED, paid(1), paid(2), third, fourth, *more)])
    (letter,) = worker.store.newest(DEAD_LETTERS).values()
    assert (letter["reason"], letter["field"], letter["line"]) == ("full", "transaction", 4)
    assert letter["content"] == encode_event(fourth)
    assert "3 payments, refunds, extensions and the like already" in letter["detail"]
    assert "payment:T4" in letter["detail"]
    counted, full = taken_of({0: [record(0, 0, RECEIVED, paid(1), paid(2), third, fourth, *more)], 1: []}, 3)
    assert full == {(0, 0, 4)}
    assert stored_facts(worker.store) == expected_facts(counted)
    assert stored_windows(worker.store) == expected_windows(counted)
    assert len(worker.store.rows["events"]) == 7


def test_refunds_and_payments_share_the_room_of_a_dossier() -> None:
    worker = Worker(MemoryStore(), numbered=2)
    refund = said(Refunded, "2026-03-02 09:00", dossier=OURS, transaction="T1", amount=1)
    worker.take([record(0, 0, RECEIVED, paid(1), refund, paid(2))])
    assert letters(worker.store) == {(0, 0, 3): "full"}


def test_events_of_a_full_dossier_do_not_count_against_the_dead_letter_limit() -> None:
    worker = Worker(MemoryStore(), numbered=1, limit=DeadLetterLimit(lines=10, ratio=0.1))
    worker.take(
        [record(0, 0, RECEIVED, *map(paid, range(200)), said(Received, "2026-03-02 08:00", dossier=OTHER, agency="H1"))]
    )
    assert len(letters(worker.store)) == 199
    assert stored_facts(worker.store).keys() == {OURS, OTHER}


@pytest.mark.slow
@pytest.mark.parametrize("effort", [1, 7, 10**6])
@pytest.mark.parametrize("seed", range(sized(5, 15)))
def test_the_same_is_one_too_many_in_any_batches_after_any_crash(seed: int, effort: int) -> None:
    random = Random(seed)
    log = random_log(random, records=20)
    counted, full = taken_of(log, numbered=1)
    store = MemoryStore()
    crashed = Worker(store, 1, effort)
    for number, records in enumerate(batches(log, random)):
        if not crashed.take(records, flushes=2 if number == 3 else 10**6)[-1].is_last:
            break
    starts = {p: random.randint(0, _next(store, p)) for p in log}
    again = Worker(store, 1, effort=10**6 if seed % 2 else 3)
    for records in batches({p: entries[starts[p] :] for p, entries in log.items()}, random):
        again.take(records)
    assert stored_facts(store) == expected_facts(counted)
    assert stored_windows(store) == expected_windows(counted)
    assert {place for place, reason in letters(store).items() if reason == "full"} == full
    events = {tuple(row[name] for name in ("partition", "offset", "line")) for row in store.newest(EVENTS).values()}
    assert not events & full
    assert full


def _next(store: MemoryStore, partition: int) -> int:
    reached = store.read_checkpoints(IDENTITY.topic).get(partition)
    return reached.offset + 1 if reached else 0


def test_a_batch_ends_where_it_takes_enough_and_tells_its_progress_when_the_record_is_counted() -> None:
    worker = Worker(MemoryStore(), effort=100)
    payments = [paid(number) for number in range(40)]
    moves = [said(Transferred, "2026-03-03 08:00", dossier=OURS, agency=f"H{n}", seq=n) for n in range(1, 30)]
    found = worker.take([record(0, 0, RECEIVED, *payments, *moves)])
    # A transfer moves 41 windows from one agency to another; the last one of a batch may be beyond its end.
    assert len(found) > 10
    assert max(len(batch.windows) for batch in found) <= 100 + 2 * 41
    assert [len(batch.progress) for batch in found] == [0] * (len(found) - 1) + [1]
    assert [batch.is_last for batch in found] == [False] * (len(found) - 1) + [True]
    log = log_of(RECEIVED, *payments, *moves)
    assert stored_windows(worker.store) == expected_windows(log)
    assert stored_facts(worker.store) == expected_facts(log)


def test_other_partitions_need_not_wait_for_one_that_takes_long() -> None:
    worker = Worker(MemoryStore(), effort=50)
    busy = record(0, 0, RECEIVED, *map(paid, range(200)))
    quiet = record(1, 0, said(Received, "2026-03-02 08:00", dossier=THEIRS, agency="H01"))
    found = worker.take([busy, quiet])
    done = [[row[1] for row in batch.progress] for batch in found]
    assert done[1] == [1]
    assert done[-1] == [0]


def test_dossiers_with_much_to_read_and_write_again_are_not_all_in_one_batch() -> None:
    worker = Worker(MemoryStore(), effort=500)
    dossiers = [f"X{number}" for number in range(100)]
    dossiers = [dossier for dossier in dossiers if partition_of(dossier, PARTITIONS) == 0][:20]
    for offset, dossier in enumerate(dossiers):
        worker.take([record(0, offset, *[paid(number, dossier) for number in range(300)])])
    one_more = [said(Amended, "2026-03-03 08:00", dossier=dossier, channel="online") for dossier in dossiers]
    found = worker.take([record(0, len(dossiers), *one_more)])
    assert len(found) > 2
    assert sum(len(batch.facts) for batch in found) == len(dossiers)


@pytest.mark.slow
def test_what_a_full_dossier_counts_moves_with_it() -> None:
    payments = [paid(number) for number in range(60)]
    log = log_of(RECEIVED, *payments, said(Amended, "2026-03-04 08:00", dossier=OURS, agency="H07"))
    worker = Worker(MemoryStore())
    for offset, entry in enumerate(log[0]):
        worker.take([entry])
        assert stored_windows(worker.store) == expected_windows({0: log[0][: offset + 1], 1: []})
    assert {agency for agency, *_ in stored_windows(worker.store)} == {"H07"}
    (row,) = worker.store.newest(FACTS).values()
    assert len(row["payment_at"]) == 60
