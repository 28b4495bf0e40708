from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.dead_letter_limit import DEFAULT_LIMIT, EMPTY_WINDOW, DeadLetterLimit, LimitWindow, observe

LIMITS = st.builds(DeadLetterLimit, st.integers(1, 12), st.sampled_from((0.0, 0.1, 0.25, 0.5, 1.0)))
LINES = st.lists(st.booleans(), max_size=60)
"""A log: whether each line is dead."""


def one_by_one(lines: list[bool], limit: DeadLetterLimit) -> tuple[LimitWindow, bool]:
    """The rule in its plainest form."""
    window = EMPTY_WINDOW
    for index, is_dead in enumerate(lines):
        current = lines[index - index % limit.lines : index + 1]
        if is_dead and sum(current) > limit.lines * limit.ratio:
            return LimitWindow(len(current), sum(current)), True
        window = LimitWindow(len(current), sum(current)) if len(current) < limit.lines else EMPTY_WINDOW
    return window, False


def in_parts(
    lines: list[bool], cuts: list[int], limit: DeadLetterLimit, window: LimitWindow = EMPTY_WINDOW
) -> tuple[LimitWindow, bool]:
    """What the rule says in the end, where the lines are seen in these parts."""
    for start, end in pairwise([0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]):
        part = lines[start:end]
        window, exceeded = observe(window, len(part), [index for index, is_dead in enumerate(part) if is_dead], limit)
        if exceeded:
            return window, True
    return window, False


@given(LINES, st.lists(st.integers(0, 60), max_size=8), LIMITS)
def test_it_stops_at_the_same_line_however_the_log_is_cut(
    lines: list[bool], cuts: list[int], limit: DeadLetterLimit
) -> None:
    assert in_parts(lines, cuts, limit) == one_by_one(lines, limit)


@given(LINES, st.integers(1, 12))
def test_a_ratio_of_1_never_stops(lines: list[bool], length: int) -> None:
    assert not observe(
        EMPTY_WINDOW, len(lines), [i for i, dead in enumerate(lines) if dead], DeadLetterLimit(length, 1.0)
    )[1]


@given(LINES, st.integers(1, 12))
def test_a_ratio_of_0_stops_at_the_first(lines: list[bool], length: int) -> None:
    assert observe(EMPTY_WINDOW, len(lines), [i for i, dead in enumerate(lines) if dead], DeadLetterLimit(length, 0.0))[
        1
    ] == any(lines)


def test_a_handful_of_bad_lines_stops_nothing_however_little_else_there_is() -> None:
    assert observe(EMPTY_WINDOW, 1000, range(1000), DEFAULT_LIMIT) == (LimitWindow(1000, 1000), False)
    assert observe(EMPTY_WINDOW, 1001, range(1001), DEFAULT_LIMIT) == (LimitWindow(1001, 1001), True)


def test_it_stops_before_the_window_ends() -> None:
    assert observe(LimitWindow(2000, 1000), 500, [9], DEFAULT_LIMIT) == (LimitWindow(2010, 1001), True)


def test_a_part_longer_than_a_window_is_measured_window_by_window() -> None:
    limit = DeadLetterLimit(10, 0.2)
    assert observe(LimitWindow(8, 2), 24, [2, 3, 12, 13, 22, 23], limit) == (LimitWindow(2, 2), False)
    assert observe(LimitWindow(8, 2), 24, [1], limit) == (LimitWindow(10, 3), True)
    assert observe(LimitWindow(8, 2), 24, [2, 3, 11], limit) == (LimitWindow(10, 3), True)


def test_a_window_that_was_accepted_under_a_higher_ratio_is_not_held_against_later_lines() -> None:
    accepted, exceeded = observe(EMPTY_WINDOW, 800, range(800), DeadLetterLimit(1000, 0.9))
    assert not exceeded
    assert observe(accepted, 50, range(50), DeadLetterLimit(1000, 0.1)) == (LimitWindow(50, 50), False)
    assert observe(accepted, 101, range(101), DeadLetterLimit(1000, 0.1)) == (LimitWindow(101, 101), True)


def test_a_shorter_window_begins_anew() -> None:
    assert observe(LimitWindow(800, 50), 10, [0, 1], DeadLetterLimit(100, 0.5)) == (LimitWindow(10, 2), False)


@pytest.mark.parametrize(
    ("lines", "ratio", "allowed"), [(10_000, 0.1, 1000), (100, 0.29, 29), (10, 0.25, 2), (3, 0.0, 0)]
)
def test_how_many_a_window_may_hold(lines: int, ratio: float, allowed: int) -> None:
    assert DeadLetterLimit(lines, ratio).allowed == allowed
