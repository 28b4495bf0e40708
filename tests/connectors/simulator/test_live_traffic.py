from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulator.live_traffic import live
from connectors.simulator.pacing import paced
from connectors.simulator.simulation_plan import Plan, spread
from schemas.events import Event, Received, Resolved
from tests.thorough import sized

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.slow
@given(seed=st.integers(0, 2**31), rate=st.floats(0.1, 1e5))
@settings(max_examples=sized(5, 40))
def test_event_n_comes_at_n_over_rate_and_has_happened_by_then(seed: int, rate: float) -> None:
    for number, (at, event) in enumerate(islice(live(Plan(seed=seed), START, rate), 500)):
        assert at == START + timedelta(seconds=number / rate)
        assert event.recorded <= at + timedelta(milliseconds=1)


@pytest.mark.slow
def test_the_same_start_and_seed_give_the_same_events() -> None:
    first = list(islice(live(Plan(), START, 20), 2000))
    assert first == list(islice(live(Plan(), START, 20), 2000))
    assert first != list(islice(live(Plan(seed=2), START, 20), 2000))


@pytest.mark.slow
def test_cases_begin_steadily_and_are_brought_to_an_end() -> None:
    events = [event for _, event in islice(live(Plan(), START, 20), 20_000)]
    received = Counter(number // 2000 for number, event in enumerate(events) if isinstance(event, Received))
    assert min(received.values()) > 150
    assert sum(isinstance(event, Resolved) for event in events) > 0.6 * sum(received.values())


@pytest.mark.slow
def test_what_is_said_is_news() -> None:
    lags = sorted((at - event.recorded).total_seconds() for at, event in islice(live(Plan(), START, 20), 20_000))
    assert lags[len(lags) // 2] < 10


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + 0.0005  # no sleep ends in time


def ticks(count: int, every: float) -> list[tuple[datetime, Event]]:
    event = next(live(Plan(), START, 1))[1]
    return [(START + timedelta(seconds=number * every), event) for number in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("every", [0.5, 0.01, 0.0001])
def test_the_pace_does_not_drift(every: float) -> None:
    clock = Clock()
    assert len(list(paced(ticks(10_000, every), START, clock, clock.sleep))) == 10_000
    assert clock.now - 100 == pytest.approx(9999 * every, abs=0.003)


def test_what_is_behind_is_made_up_for_without_waiting() -> None:
    clock = Clock()
    made = paced(ticks(100, 1.0), START, clock, clock.sleep)
    next(made)
    clock.now += 50
    for _ in range(50):
        next(made)
    assert clock.slept == []
    next(made)
    assert len(clock.slept) == 1


@given(seed=st.integers(0, 2**31), salt=st.integers(0, 9), first=st.integers(0, 10**9))
def test_of_any_thousand_each_has_a_place_of_its_own(seed: int, salt: int, first: int) -> None:
    assert len({spread(number, seed, salt) for number in range(first, first + 1000)}) == 1000
