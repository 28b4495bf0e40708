"""What a gap between offsets means: read across it is empty, jumped it is a loss."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.memory_store import MemoryStore
from schemas.events import Received
from schemas.partition import partition_of
from schemas.tables import FACTS, PROGRESS, WINDOWS
from streams.counting.batch_counting import Counting
from streams.counting.offset_gaps import fill_gaps, is_lost
from streams.counting.record import Record, offset_gap
from streams.errors import LostEvents
from tests.streams.cases import said
from tests.streams.log import DOSSIERS, IDENTITY, NOW, PARTITIONS, PUBLISHED, record


def spans(partition: int, start: int, offsets: Sequence[int], position: int) -> list[tuple[int, int, bool]]:
    records = [record(partition, offset, b"{}") for offset in offsets]
    return [(each.first, each.offset, each.is_gap) for each in fill_gaps(partition, start, records, position)]


@pytest.mark.parametrize(
    ("start", "offsets", "position", "expected"),
    [
        pytest.param(5, [], 5, [], id="nothing was read"),
        pytest.param(5, [5, 6], 7, [(5, 5, False), (6, 6, False)], id="records follow each other"),
        pytest.param(0, [2], 3, [(0, 1, True), (2, 2, False)], id="the log begins with an aborted transaction"),
        pytest.param(5, [5], 8, [(5, 5, False), (6, 7, True)], id="the log ends with a marker"),
        pytest.param(5, [], 9, [(5, 8, True)], id="all that was read is an aborted transaction"),
        pytest.param(
            5, [5, 8], 9, [(5, 5, False), (6, 7, True), (8, 8, False)], id="a marker and a record compacted away"
        ),
    ],
)
def test_a_gap_that_was_read_across_is_handed_out_as_one(
    start: int, offsets: list[int], position: int, expected: list[tuple[int, int, bool]]
) -> None:
    assert spans(0, start, offsets, position) == expected


@given(st.integers(0, 20), st.sets(st.integers(0, 30)), st.integers(0, 20))
def test_every_offset_that_was_read_follows_the_last(start: int, held: set[int], more: int) -> None:
    offsets = sorted(offset for offset in held if offset >= start)
    position = max([start, *(offset + 1 for offset in offsets)]) + more
    expected = start
    for first, last, is_gap in spans(0, start, offsets, position):
        assert first == expected
        assert is_gap or first == last
        expected = last + 1
    assert expected == position


@pytest.mark.parametrize(
    ("expected", "first", "lost"),
    [
        pytest.param(5, 5, False, id="what comes next is there"),
        pytest.param(5, 3, False, id="what was counted comes again"),
        pytest.param(5, 6, True, id="one offset was jumped, and nobody knows what it held"),
        pytest.param(0, 1, True, id="the log began before anybody counted"),
    ],
)
def test_a_gap_that_was_jumped_is_a_loss(expected: int, first: int, lost: bool) -> None:
    assert is_lost(expected, first) is lost


OURS = next(dossier for dossier in DOSSIERS if partition_of(dossier, PARTITIONS) == 0)


def counting(store: MemoryStore) -> Counting:
    return Counting(IDENTITY, store)


def reception(offset: int) -> Record:
    return record(0, offset, said(Received, "2026-03-02 08:00", dossier=OURS, id=f"e{offset}", agency="H01"))


def counted(store: MemoryStore, *batches: list[Record]) -> None:
    """Count the batches one after another, each by a worker that has just started."""
    for records in batches:
        (batch,) = counting(store).count(records, lambda: None, NOW)
        assert not batch.dead
        store.write(WINDOWS, batch.windows)
        store.write(FACTS, batch.facts)
        store.write(PROGRESS, batch.progress)


def test_counting_goes_on_behind_a_gap_and_remembers_the_last_record() -> None:
    store = MemoryStore()
    counted(store, [offset_gap(0, 0, 3), reception(4), offset_gap(0, 5, 9)])
    checkpoint = store.read_checkpoints(IDENTITY.topic)[0]
    assert (checkpoint.offset, checkpoint.last_record.offset, checkpoint.last_record.published) == (9, 4, PUBLISHED)
    counted(store, [offset_gap(0, 10, 12)], [reception(13)])
    checkpoint = store.read_checkpoints(IDENTITY.topic)[0]
    assert (checkpoint.offset, checkpoint.last_record.offset) == (13, 13)


def test_a_partition_of_gaps_alone_is_counted_and_has_no_last_record() -> None:
    store = MemoryStore()
    counted(store, [offset_gap(0, 0, 3)])
    checkpoint = store.read_checkpoints(IDENTITY.topic)[0]
    assert (checkpoint.offset, checkpoint.last_record.offset) == (3, -1)


@pytest.mark.parametrize("ahead", [reception(6), offset_gap(0, 6, 7)], ids=["a record", "a gap"])
def test_what_lies_behind_deleted_records_stops_counting(ahead: Record) -> None:
    store = MemoryStore()
    counted(store, [reception(0), offset_gap(0, 1, 4)])
    with pytest.raises(LostEvents, match="goes on at offset 6, but 5 is the next to count"):
        list(counting(store).count([ahead], lambda: None, NOW))
