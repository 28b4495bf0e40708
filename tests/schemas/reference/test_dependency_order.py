"""Codes in the order of what they depend on, and the cycles that prevent one."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.reference.dependency_order import cycles, ordered

CODES = "abcdef"


def test_each_cycle_is_found_once_however_much_depends_on_it() -> None:
    depends = {"a": "b", "b": "a", "c": "a", "d": "c", "x": "y", "y": "z", "z": "x", "free": "", "out": "?"}
    assert ordered(depends) == ["free", "out"]
    assert list(cycles(depends)) == [("a", "b"), ("x", "y", "z")]


@given(st.dictionaries(st.sampled_from(CODES), st.lists(st.sampled_from(CODES), max_size=3)))
def test_either_all_codes_have_a_place_after_what_they_depend_on_or_there_is_a_cycle(
    depends: dict[str, list[str]],
) -> None:
    order = ordered(depends)
    for at, code in enumerate(order):
        assert all(other in order[:at] for other in depends[code] if other in depends)
    found = list(cycles(depends))
    assert bool(found) == (len(order) < len(depends))
    assert len(set(map(frozenset, found))) == len(found)
    for cycle in found:
        for code, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert following in depends[code]
