import pytest

from bench.profile import records
from bench.seed_case.history import history
from schemas.envelope import decode_event


@pytest.mark.slow
def test_records_hold_every_event_and_follow_each_other_in_each_partition() -> None:
    found = records(seed=1, dossiers=300)
    lines = [line for record in found for line in (record.value or b"").splitlines()]
    assert sorted(lines) == sorted(history(1, 300))
    offsets: dict[int, list[int]] = {}
    for record in found:
        offsets.setdefault(record.partition, []).append(record.offset)
    assert all(each == list(range(len(each))) for each in offsets.values())


def test_all_events_of_a_dossier_are_in_one_partition() -> None:
    places = {
        (decode_event(line).dossier, record.partition)
        for record in records(seed=1, dossiers=300)
        for line in (record.value or b"").splitlines()
    }
    assert len(places) == len({dossier for dossier, _ in places})
