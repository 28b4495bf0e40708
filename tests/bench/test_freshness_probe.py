import pytest

from bench.freshness_probe import Observation, delays, percentile

SEEN = {0: [Observation(10.2, 3), Observation(10.4, 7)], 1: [Observation(10.3, 0)]}


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.9, 9), (0.95, 10), (0.99, 10), (1.0, 10)])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(share: float, value: int) -> None:
    assert percentile(range(1, 11), share) == value


def test_a_delay_lasts_until_its_partition_is_first_seen_counted_that_far() -> None:
    called = {"a": 10.0, "b": 10.1, "c": 10.2}
    found = delays(called, [("a", 0, 3), ("b", 0, 4), ("c", 1, 0)], SEEN)
    assert found == pytest.approx([0.1, 0.2, 0.3])


def test_an_event_that_was_never_seen_counted_is_no_delay() -> None:
    with pytest.raises(IndexError):
        delays({"a": 10.0}, [("a", 0, 8)], SEEN)
