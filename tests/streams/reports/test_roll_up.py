"""Figures of places become figures of nodes."""

from hypothesis import given
from hypothesis import strategies as st

from streams.reports.roll_up import Path, merged, roll_up

PATHS = st.lists(st.sampled_from("ABC"), min_size=1, max_size=4).map(tuple)


def test_a_node_has_its_own_figures_and_those_below_it() -> None:
    nodes = roll_up([(("H26", "Q1"), (3, 1)), (("H26",), (10, 0)), (("H26", "Q1", "P1"), (100, 5))], 2)
    assert {path: (sums.own, sums.whole) for path, sums in nodes.items()} == {
        ("H26",): ([10, 0], [113, 6]),
        ("H26", "Q1"): ([3, 1], [103, 6]),
        ("H26", "Q1", "P1"): ([100, 5], [100, 5]),
    }


@given(st.lists(st.tuples(PATHS, st.tuples(st.integers(-5, 99), st.integers(0, 9)))))
def test_children_and_own_are_the_node_and_roots_are_all(places: list[tuple[Path, tuple[int, int]]]) -> None:
    nodes = roll_up(places, 2)
    for path, sums in nodes.items():
        children = merged((each for other, each in nodes.items() if other[:-1] == path), 2)
        assert [own + below for own, below in zip(sums.own, children.whole, strict=True)] == sums.whole
    roots = merged((sums for path, sums in nodes.items() if len(path) == 1), 2)
    assert roots.whole == [sum(counted[place] for _, counted in places) for place in (0, 1)]
