from collections import Counter
from functools import cache

import msgspec
import pytest

from bench import dataset
from bench.dataset import difference, envelopes, singles, truth
from schemas.envelope import MAX_EVENTS, decode_event, encode_event
from schemas.partition import partition_of

SOME = 2000
lines = cache(dataset.lines)
"""Several tests read the same."""


@pytest.mark.slow
def test_the_same_seed_gives_the_same_events_and_more_of_them_begin_with_the_same() -> None:
    assert lines(1, SOME)[:500] == lines(1, 500)
    assert lines(1, 500) != lines(2, 500)


@pytest.mark.slow
def test_every_line_is_a_valid_event_with_an_agency_that_changes_nothing_for_counting() -> None:
    for line in lines(1, SOME):
        event = decode_event(line.content)
        assert event.dossier == line.dossier
        assert event.recorded == msgspec.convert(msgspec.json.decode(line.content)["recorded_at"], type(event.recorded))
        own = msgspec.json.decode(encode_event(event))
        told = msgspec.json.decode(line.content)
        assert told.pop("agency").startswith("H26.")
        own.pop("agency", None)
        assert own == told


def test_both_shapes_hold_every_event_once_in_order_and_in_its_partition() -> None:
    data = lines(1, SOME)
    alone = list(singles(data, 8))
    assert [(record.key, record.value) for record in alone] == [(line.dossier.encode(), line.content) for line in data]
    together = list(envelopes(data, 8))
    for partition in range(8):
        held = [line for record in together if record.partition == partition for line in record.value.split(b"\n")]
        assert held == [record.value for record in alone if record.partition == partition]
        assert held == [line.content for line in data if partition_of(line.dossier, 8) == partition]
    assert max(record.value.count(b"\n") + 1 for record in together) <= MAX_EVENTS


def test_the_truth_has_each_event_once() -> None:
    data = lines(1, SOME)
    assert truth(data).total() == len({msgspec.json.decode(line.content)["id"] for line in data}) < SOME
    assert truth(data) == truth(data * 2)


def test_the_difference_is_what_is_too_much_and_what_is_missing() -> None:
    here, there = ("H26.01", 0, "paid"), ("H26.02", 300, "paid")
    assert difference(Counter({here: 3}), Counter({here: 1, there: 2})) == 4
    assert difference(Counter({here: 3, there: 0}), Counter({here: 3})) == 0
