"""Records made of raw events: whole, in their partitions, and always the same."""

from collections import defaultdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import MAX_EVENTS, decode
from schemas.events import AnyEvent, Returned
from schemas.partition import partition_of
from streams.rebuild.replay import records_from_events
from tests.strategies import DOSSIERS, events
from tests.streams.cases import said


@given(st.lists(events(DOSSIERS)), st.integers(1, 5))
def test_every_event_comes_out_as_it_went_in(given: list[AnyEvent], partitions: int) -> None:
    came: defaultdict[str, list[AnyEvent]] = defaultdict(list)
    for record in records_from_events(given, partitions):
        decoded = decode(record.value, datetime.fromtimestamp(record.published / 1000, UTC))
        assert decoded.rejections == []
        for _, event in decoded.events:
            assert partition_of(event.dossier, partitions) == record.partition
            came[event.dossier].append(event)
    went: defaultdict[str, list[AnyEvent]] = defaultdict(list)
    for event in given:
        went[event.dossier].append(event)
    assert came == went


def test_offsets_follow_each_other_and_no_record_is_larger_than_a_publishers() -> None:
    given = [said(Returned, "2026-03-10 09:00", dossier=f"D{number}", id=f"e{number}") for number in range(2500)]
    records = list(records_from_events(given, 2))
    for partition in (0, 1):
        of_partition = [record for record in records if record.partition == partition]
        assert [record.offset for record in of_partition] == list(range(len(of_partition)))
        sizes = [(record.value or b"").count(b"\n") + 1 for record in of_partition]
        assert set(sizes[:-1]) == {MAX_EVENTS}
        assert 0 < sizes[-1] <= MAX_EVENTS
    assert list(records_from_events(given, 2)) == records


def test_no_events_are_no_records() -> None:
    assert list(records_from_events([], 8)) == []
