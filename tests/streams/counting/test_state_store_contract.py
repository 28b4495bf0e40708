"""One contract, two state stores: what local state relies on holds in memory and in RocksDB."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from chaos.memory_state_store import MemoryStateStore
from streams.counting.state_store import StateHead, StateOrigin, StateStore
from streams.counting.store_interface import Stored
from streams.errors import StateUnusable
from streams.storage.rocks_state_store import RocksStateStore
from tests.streams.counting.test_store_contract import HOSTILE

ORIGIN = StateOrigin(2, "topic-id", 8, "dossiers", "boot", "folder")
HEAD = StateHead(ORIGIN, 3, 100)
EVERYTHING = 1 << 30


class StateStoreContract:
    def test_what_was_written_is_read_and_nothing_else(self, states: StateStore) -> None:
        states.write({"D1": Stored(5, b"\0\xff", 1), "D2": Stored(2**64 - 1, b"", 2**32 - 1)}, HEAD)
        assert states.read_head(3) == HEAD
        assert states.read(3, ["D0", "D1", "D2"], EVERYTHING) == (
            3,
            {"D1": Stored(5, b"\0\xff", 1), "D2": Stored(2**64 - 1, b"", 2**32 - 1)},
        )
        assert states.read(3, [], EVERYTHING) == (0, {})

    def test_the_last_one_written_is_kept(self, states: StateStore) -> None:
        for pos in (5, 9, 7):
            head = structs.replace(HEAD, newest=pos)
            states.write({"D1": Stored(pos, b"%d" % pos)}, head)
            assert states.read_head(3) == head
        assert states.read(3, ["D1"], EVERYTHING) == (1, {"D1": Stored(7, b"7")})

    @pytest.mark.parametrize("scanned", ["", "Đ'\"\\\0", None])
    def test_a_head_says_how_far_dossiers_are_scanned(self, states: StateStore, scanned: str | None) -> None:
        states.write({}, head := structs.replace(HEAD, scanned=scanned))
        assert states.read_head(3) == head

    def test_partitions_have_nothing_in_common(self, states: StateStore) -> None:
        other = structs.replace(HEAD, partition=259)
        states.write({"D1": Stored(1, b"1")}, HEAD)
        states.write({"D1": Stored(2, b"2")}, other)
        states.reset(structs.replace(HEAD, complete=7))
        assert states.read(3, ["D1"], EVERYTHING) == (1, {})
        assert states.read_head(3) == structs.replace(HEAD, complete=7)
        assert states.read(259, ["D1"], EVERYTHING) == (1, {"D1": Stored(2, b"2")})
        assert states.read_head(259) == other
        assert states.read_head(4) is None

    def test_any_name_will_do_and_is_dropped_with_its_partition(self, states: StateStore) -> None:
        states.write({name: Stored(pos, b"x") for pos, name in enumerate(HOSTILE)}, HEAD)
        _, found = states.read(3, HOSTILE, EVERYTHING)
        assert {name: stored.pos for name, stored in found.items()} == {name: pos for pos, name in enumerate(HOSTILE)}
        states.reset(HEAD)
        assert states.read(3, HOSTILE, EVERYTHING) == (len(HOSTILE), {})

    def test_a_lookup_ends_before_it_exceeds_the_bytes_it_may_read(self, states: StateStore) -> None:
        names = [f"D{number}" for number in range(900)]
        states.write({name: Stored(1, bytes(500)) for name in names[::2]}, HEAD)
        left, found = list(names), dict[str, Stored]()
        while left:
            looked_up, some = states.read(3, left, 1200)
            assert 1 <= looked_up <= 5
            assert sum(len(each.registers) for each in some.values()) <= 1200
            found |= some
            left = left[looked_up:]
        assert found.keys() == set(names[::2])

    def test_a_dossier_with_more_bytes_than_may_be_read_is_looked_up_alone(self, states: StateStore) -> None:
        states.write({name: Stored(1, bytes(5000)) for name in ("D1", "D2")}, HEAD)
        assert states.read(3, ["D1", "D2"], 10) == (1, {"D1": Stored(1, bytes(5000))})

    def test_many_dossiers_are_looked_up_at_once(self, states: StateStore) -> None:
        names = [f"D{number}" for number in range(20_000)]
        states.write({name: Stored(1, b"x" * 100) for name in names}, HEAD)
        looked_up, found = states.read(3, names, EVERYTHING)
        assert looked_up == len(found) == 20_000


class TestMemory(StateStoreContract):
    @pytest.fixture
    def states(self) -> MemoryStateStore:
        return MemoryStateStore()


class TestRocks(StateStoreContract):
    @pytest.fixture
    def states(self, tmp_path: Path) -> Iterator[RocksStateStore]:
        with closing(RocksStateStore(tmp_path / "state")) as states:
            yield states


def test_everything_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    with closing(RocksStateStore(tmp_path)) as states:
        states.write({"D1": Stored(5, b"x", 7)}, HEAD)
    with closing(RocksStateStore(tmp_path)) as states:
        assert states.read_head(3) == HEAD
        assert states.read(3, ["D1"], EVERYTHING) == (1, {"D1": Stored(5, b"x", 7)})


def test_another_process_reads_heads_while_a_worker_writes(tmp_path: Path) -> None:
    with closing(RocksStateStore(tmp_path)) as states:
        states.write({"D1": Stored(5, b"x", 7)}, HEAD)
        with closing(RocksStateStore(tmp_path, read_only=True)) as reader:
            assert reader.read_head(3) == HEAD
            with pytest.raises(StateUnusable):
                reader.write({}, HEAD)
        states.write({}, structs.replace(HEAD, complete=101))


def test_a_closed_store_says_so_and_nothing_else_is_raised(tmp_path: Path) -> None:
    states = RocksStateStore(tmp_path / "state")
    states.close()
    for call in (
        lambda: states.read_head(3),
        lambda: states.read(3, ["D1"], 1),
        lambda: states.write({}, HEAD),
        lambda: states.reset(HEAD),
    ):
        with pytest.raises(StateUnusable, match=r"local state in .*/state: .*closed"):
            call()


def test_a_head_of_another_release_is_none(tmp_path: Path) -> None:
    with closing(RocksStateStore(tmp_path)) as states:
        states.write({}, HEAD)
        states._db.put(b"\0\3", b'{"origin": 5}')
        assert states.read_head(3) is None


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (HEAD, ""),
        (structs.replace(HEAD, complete=101), "it is newer than the stored progress"),
        (structs.replace(HEAD, newest=101), "it is newer than the stored progress"),
        (structs.replace(HEAD, partition=4), "it is of another partition"),
        *(
            (structs.replace(HEAD, origin=structs.replace(ORIGIN, **{name: value})), f"it is of another {shown}")
            for name, value, shown in (
                ("epoch", 3, "epoch"),
                ("topic_id", "new", "topic id"),
                ("partitions", 9, "partitions"),
                ("database", "test", "database"),
                ("boot", "later", "boot"),
                ("folder", "copied", "folder"),
                ("format", 2, "format"),
            )
        ),
    ],
)
def test_a_head_fits_only_the_counts_that_it_is_of_and_none_that_are_older(head: StateHead, why: str) -> None:
    assert head.why_unusable(ORIGIN, 3, 100) == why
