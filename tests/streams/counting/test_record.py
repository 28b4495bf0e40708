from schemas.instant import EARLIEST, LATEST
from streams.counting.record import Record, in_sequence, offset_gap


def record(partition: int, offset: int, timestamp: int = 0) -> Record:
    return Record(partition, offset, timestamp, b"")


def test_records_in_order_are_one_part() -> None:
    records = [record(0, 5), record(1, 9), record(0, 6), record(1, 10)]
    assert in_sequence(records) == [records]


def test_a_partition_that_starts_again_waits_for_the_next_part() -> None:
    before, again = [record(0, offset) for offset in (5, 6, 7)], [record(0, offset) for offset in (6, 7, 8)]
    other = [record(1, 1), record(1, 2)]
    first, second = in_sequence([*before, other[0], *again, other[1]])
    assert first == [*before, *other]
    assert second == again


def test_a_gap_follows_by_its_first_offset_and_is_followed_by_what_comes_after_its_last() -> None:
    records = [record(0, 5), offset_gap(0, 6, 9), record(0, 10)]
    assert in_sequence(records) == [records]
    assert in_sequence([record(0, 5), offset_gap(0, 7, 9)]) == [[record(0, 5)], [offset_gap(0, 7, 9)]]


def test_a_gap_is_left_to_the_counting_to_judge() -> None:
    assert in_sequence([record(0, 1), record(0, 3), record(0, 3)]) == [[record(0, 1)], [record(0, 3)], [record(0, 3)]]


def test_timestamps_of_foreign_producers_are_brought_into_range() -> None:
    for timestamp in (-1, 10**18, 1_700_000_000_000):
        published = record(0, 0, timestamp).published
        assert EARLIEST.timestamp() * 1000 <= published < LATEST.timestamp() * 1000
    assert record(0, 0, 1_700_000_000_000).published == 1_700_000_000_000
