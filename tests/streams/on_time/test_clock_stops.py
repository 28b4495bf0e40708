from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.on_time.clock_stops import ALL_KINDS, SUPPLEMENTS, Stop, StopKind, elapsed, stopped


def test_overlapping_and_adjoining_stops_are_one() -> None:
    stops = [Stop("pause", 10, 20), Stop("supplement", 15, 30), Stop("obligation", 30, 35), Stop("pause", 40, 45)]
    assert stopped(stops, 0, 100) == [(10, 35), (40, 45)]
    assert elapsed([(10, 35), (40, 45)]) == 30


def test_one_that_lies_within_another_adds_nothing() -> None:
    assert stopped([Stop("supplement", 10, 40), Stop("obligation", 20, 30)], 0, 100) == [(10, 40)]


def test_one_that_nobody_ended_lasts_until_the_instant_that_is_asked_about() -> None:
    stop = Stop("supplement", 10)
    assert stopped([stop], 0, 25) == [(10, 25)]
    assert stopped([stop], 0, 10) == []
    assert not stop.is_open(9)
    assert stop.is_open(10)


def test_the_clock_runs_again_from_the_very_instant_of_the_end() -> None:
    assert Stop("pause", 10, 20).is_open(19)
    assert not Stop("pause", 10, 20).is_open(20)


def test_of_a_stop_only_what_lies_between_the_two_instants_counts() -> None:
    assert stopped([Stop("pause", 10, 20)], 15, 17) == [(15, 17)]
    assert stopped([Stop("pause", 10, 20)], 20, 30) == []


def test_an_answer_before_its_request_stops_nothing() -> None:
    assert stopped([Stop("supplement", 20, 10)], 0, 100) == []
    assert not Stop("supplement", 20, 10).is_open(20)


def test_kinds_that_do_not_count_are_left_out() -> None:
    assert stopped([Stop("pause", 10, 20), Stop("supplement", 30, 40)], 0, 100, SUPPLEMENTS) == [(30, 40)]


_TIMES = st.integers(0, 20)
_STOPS = st.lists(st.builds(Stop, st.sampled_from(ALL_KINDS), _TIMES, st.none() | _TIMES), max_size=6)


@given(stops=_STOPS, start=_TIMES, until=_TIMES, kinds=st.sets(st.sampled_from(ALL_KINDS)))
def test_an_instant_is_within_an_interval_exactly_if_a_stop_lasts(
    stops: list[Stop], start: int, until: int, kinds: set[StopKind]
) -> None:
    found = stopped(stops, start, until, kinds)
    covered = {at for begin, end in found for at in range(begin, end)}
    assert covered == {
        at for at in range(start, until) if any(stop.is_open(at) and stop.kind in kinds for stop in stops)
    }
    assert elapsed(found) == len(covered)
    assert all(end < begin for (_, end), (begin, _) in pairwise(found))
