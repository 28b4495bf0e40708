"""Local state answers only when it is complete, takes only what is newer, and is given up where it fails."""

from collections.abc import Iterable

import pytest

from chaos.memory_state_store import MemoryStateStore
from chaos.memory_store import MemoryStore
from schemas.tables import FACTS, PROGRESS
from streams.counting.facts import Facts
from streams.counting.local_state import LocalState
from streams.counting.log_position import pack
from streams.counting.record import Record
from streams.counting.rows import facts_row, progress_row
from streams.counting.state_store import StateHead, StateOrigin
from streams.counting.store_interface import Row, Stored
from tests.streams.cases import DATE
from tests.streams.log import NOW

ORIGIN = StateOrigin(1, "topic-id", 8, "dossiers", "boot", "folder")
EVERYTHING = 1 << 30


def position(offset: int) -> int:
    return pack(1, offset, 0)


def facts_at(dossier: str, offset: int, partition: int = 3) -> Row:
    return facts_row(dossier, partition, Stored(position(offset), b"%d" % offset, 1), Facts(), DATE)


def progress_at(offset: int, partition: int = 3) -> Row:
    return progress_row("events", 1, Record(partition, offset, 0, b""), NOW)


class Database(MemoryStore):
    """Holds facts of dossiers as of offsets, and progress up to one."""

    def __init__(self, facts: Iterable[Row] = (), reached: int = 9) -> None:
        super().__init__()
        self.write(FACTS, list(facts))
        self.write(PROGRESS, [progress_at(reached)])


def opened(store: MemoryStore, states: MemoryStateStore, *partitions: int, page: int = 2) -> LocalState:
    local = LocalState(store, "events", page=page)
    local.open_with(states, ORIGIN)
    for partition in partitions or (3,):
        local.attach(partition)
    return local


def restored(store: MemoryStore, states: MemoryStateStore, *partitions: int) -> LocalState:
    local = opened(store, states, *partitions)
    for _ in local.restore():
        pass
    return local


def offsets(local: LocalState, *dossiers: str) -> dict[str, int] | None:
    """The offsets that the facts of these dossiers are of; None where ClickHouse must be asked."""
    answer = local.read(3, dossiers, EVERYTHING)
    return None if answer is None else {name: int(stored.registers) for name, stored in answer[1].items()}


def test_a_partition_is_complete_once_all_its_facts_are_read() -> None:
    store = Database([facts_at(f"D{number}", number) for number in range(7)] + [facts_at("other", 5, partition=4)])
    local = opened(store, MemoryStateStore())
    for _ in local.restore():
        assert offsets(local, "D1") is None
    assert local.complete == 1
    assert offsets(local, "D1", "D6", "new", "other") == {"D1": 1, "D6": 6}
    assert local.read(4, ["other"], EVERYTHING) is None


def test_what_is_confirmed_while_it_is_restored_is_among_it() -> None:
    store, states = Database([facts_at(f"D{number}", 1) for number in range(6)]), MemoryStateStore()
    local = opened(store, states)
    for step, _ in enumerate(local.restore()):
        rows = [facts_at("D0", 10 + step), facts_at(f"new{step}", 10 + step)]
        store.write(FACTS, rows)
        store.write(PROGRESS, [progress_at(10 + step)])
        local.enter(rows, [progress_at(10 + step)])
    found = offsets(local, "D0", "D5", *(f"new{number}" for number in range(step + 1)))
    assert found == {"D0": 10 + step, "D5": 1} | {f"new{number}": 10 + number for number in range(step + 1)}
    assert states.heads[3].complete >= position(10 + step)


def test_a_newer_fact_is_never_replaced_by_an_older_one() -> None:
    local = restored(Database([facts_at("D1", 7)]), MemoryStateStore())
    local.enter([facts_at("D1", 5), facts_at("D2", 5)], [progress_at(9)])
    assert offsets(local, "D1", "D2") == {"D1": 7, "D2": 5}


def test_another_owners_facts_are_caught_up_from_where_it_was_complete() -> None:
    store, states = Database([facts_at("D1", 3), facts_at("D2", 4)]), MemoryStateStore()
    restored(store, states)
    store.write(FACTS, [facts_at("D2", 11), facts_at("D3", 12)])
    store.write(PROGRESS, [progress_at(12)])
    asked: list[int] = []

    class Asked(Database):
        def read_facts_past(
            self, partition: int, pos: int, after: str, rows: int
        ) -> tuple[dict[str, Stored], str | None]:
            asked.append(pos)
            return store.read_facts_past(partition, pos, after, rows)

    local = restored(Asked(reached=12), states)
    assert offsets(local, "D1", "D2", "D3") == {"D1": 3, "D2": 11, "D3": 12}
    assert set(asked) == {progress_at(9)[2]}
    assert states.heads[3].complete == progress_at(12)[2]


def test_restoring_goes_on_where_another_process_ended() -> None:
    store, states = Database([facts_at(f"D{number}", 1) for number in range(10)]), MemoryStateStore()
    for step, _ in enumerate(opened(store, states).restore()):
        if step == 3:
            break
    scanned = states.heads[3].scanned
    assert scanned
    store.write(FACTS, [facts_at("D0", 11)])  # of a dossier that was scanned
    store.write(PROGRESS, [progress_at(11)])
    local = opened(store, states)
    steps = sum(1 for _ in local.restore())
    assert steps < sum(1 for _ in opened(store, MemoryStateStore()).restore())
    assert offsets(local, "D0", "D9") == {"D0": 11, "D9": 1}


@pytest.mark.parametrize("reached", [8, 9], ids=["older", "equal"])
def test_what_is_newer_than_the_counts_is_dropped(reached: int) -> None:
    states = MemoryStateStore()
    restored(Database([facts_at("D1", 3), facts_at("D2", 9)]), states)
    local = restored(Database([facts_at("D1", 3)], reached), states)
    assert offsets(local, "D1", "D2") == ({"D1": 3} if reached == 8 else {"D1": 3, "D2": 9})


def test_facts_ahead_of_progress_make_it_newer_than_counts_without_them() -> None:
    states = MemoryStateStore()
    restored(Database([facts_at("D1", 12)]), states)
    assert offsets(restored(Database(), states), "D1") == {}


def test_what_counting_reads_meanwhile_enters() -> None:
    local = opened(Database(), MemoryStateStore())
    restoring = local.restore()
    for _ in range(3):
        next(restoring)
    local.enter_read(3, {"D1": Stored(position(12), b"12", 1)})
    for _ in restoring:
        pass
    assert offsets(local, "D1") == {"D1": 12}


def test_a_partition_that_is_revoked_while_it_is_restored_is_not_complete() -> None:
    local = opened(Database([facts_at("D1", 3)]), MemoryStateStore())
    restoring = local.restore()
    next(restoring)
    local.detach(3)
    for _ in restoring:
        pass
    assert offsets(local, "D1") is None


def test_what_is_confirmed_after_a_partition_was_revoked_is_read_when_it_comes_back() -> None:
    local = restored(store := Database([facts_at("D1", 3)]), states := MemoryStateStore())
    local.detach(3)
    store.write(FACTS, rows := [facts_at("D1", 12), facts_at("D2", 11)])
    store.write(PROGRESS, [progress_at(12)])
    local.enter(rows, [progress_at(12)])
    assert states.heads[3].complete == progress_at(9)[2]
    local.attach(3)
    for _ in local.restore():
        pass
    assert offsets(local, "D1", "D2") == {"D1": 12, "D2": 11}


def test_partitions_that_are_soon_complete_come_before_one_that_is_read_whole() -> None:
    store = Database([facts_at(f"D{number}", 3, partition=number % 2 + 3) for number in range(10)])
    store.write(PROGRESS, [progress_at(9, partition=4)])
    restored(store, states := MemoryStateStore(), 4)
    local = opened(store, states, 3, 4)
    for _ in local.restore():
        if local.complete:
            break
    assert offsets(local, "D0") is None
    assert local.read(4, ["D1"], EVERYTHING) is not None


def test_a_partition_that_comes_back_is_read_from_the_database_until_it_is_caught_up() -> None:
    local = restored(store := Database([facts_at("D1", 3)]), MemoryStateStore())
    local.attach(3)
    assert offsets(local, "D1") is None
    store.write(FACTS, [facts_at("D1", 12)])
    for _ in local.restore():
        pass
    assert offsets(local, "D1") == {"D1": 12}


def test_one_that_fails_is_given_up_and_opened_anew() -> None:
    reasons: list[str] = []
    store, states = Database([facts_at("D1", 3)]), MemoryStateStore()
    local = LocalState(store, "events", reasons.append)
    local.open_with(states, ORIGIN)
    local.attach(3)
    for _ in local.restore():
        pass
    states.fails = True
    local.enter([facts_at("D1", 10)], [progress_at(10)])
    assert reasons == ["no space left on the device"]
    assert not local.is_open
    assert offsets(local, "D1") is None
    assert local.complete == 0
    store.write(FACTS, [facts_at("D1", 10)])
    store.write(PROGRESS, [progress_at(10)])
    local.open_with(states, ORIGIN)
    for _ in local.restore():
        pass
    assert offsets(local, "D1") == {"D1": 10}


def test_entries_of_another_epoch_are_dropped() -> None:
    states = MemoryStateStore()
    restored(Database([facts_at("D1", 3)]), states)
    local = LocalState(Database(), "events")
    local.open_with(states, StateOrigin(2, "topic-id", 8, "dossiers", "boot", "folder"))
    local.attach(3)
    for _ in local.restore():
        pass
    assert offsets(local, "D1") == {}


def test_the_head_of_an_empty_partition() -> None:
    states = MemoryStateStore()
    restored(MemoryStore(), states)
    assert states.heads[3] == StateHead(ORIGIN, 3, 0, 0, None)
