"""Where the figures of a code belong, as the tree was then and as it is today."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reference.agency import Agency
from schemas.reference.agency_checks import agency_flaws
from schemas.reference.agency_tree import FIRST_PLACED, LAST_PLACED, AgencyTree, Path, Placement, placements, resolved
from schemas.reference.validity import FIRST_DAY, LAST_DAY, ONE_DAY
from tests.schemas.reference.agencies import agency

BEFORE, MERGER = date(2025, 6, 30), date(2025, 7, 1)

HANOI = [
    agency("H26", level="province"),
    agency("BD", "H26", level="district", to=BEFORE, successors=["BD-new"], aliases=["000.00.20.H26"]),
    agency("P1", "BD", to=BEFORE, successors=["BD-new"]),
    agency("P2", "BD", to=BEFORE, successors=["BD-new"]),
    agency("P3", "BD", to=BEFORE, successors=["BD-new", "NH-new"]),
    agency("P4", "BD", to=BEFORE),
    agency("P4", "H26", since=MERGER),
    agency("BD-new", "H26", since=MERGER),
    agency("NH-new", "H26", since=MERGER),
]
"""A district is abolished: two of its wards become one, one is divided, one stays, directly below the city."""


def test_figures_before_and_after_a_merger_by_both_ways() -> None:
    # Dossiers received by each agency on the last day of the old tree and on the first day of the new one.
    received = {
        ("H26", BEFORE): 1, ("BD", BEFORE): 7, ("P1", BEFORE): 10, ("P2", BEFORE): 20, ("P3", BEFORE): 40,
        ("P4", BEFORE): 80, ("BD-new", MERGER): 100, ("NH-new", MERGER): 200, ("P4", MERGER): 400,
    }  # fmt: skip
    then = figures(received, HANOI)
    assert then.on(BEFORE) == {"H26": 158, "BD": 157, "P1": 10, "P2": 20, "P3": 40, "P4": 80}
    assert then.on(MERGER) == {"H26": 700, "BD-new": 100, "NH-new": 200, "P4": 400}

    today = figures(received, HANOI, as_of=date(2025, 7, 2))
    # The new ward has the history of the district and of both wards: 7 + 10 + 20. The divided ward's is the city's.
    assert today.on(BEFORE) == {"H26": 158, "BD-new": 37, "P4": 80}
    assert today.on(MERGER) == {"H26": 700, "BD-new": 100, "NH-new": 200, "P4": 400}
    assert today.own("H26", BEFORE) == 1 + 40


@pytest.mark.parametrize(
    ("name", "day", "path"),
    [
        ("000.00.20.H26", BEFORE, ("H26", "BD")),
        ("000.00.20.H26", MERGER, ("H26", "BD-new")),
        ("P4", MERGER, ("H26", "P4")),
        ("BD-new", BEFORE, ("H26", "BD-new")),  # before it begins: below the parent that it will have
        ("nobody", BEFORE, ("nobody",)),
    ],
)
def test_the_place_of_a_code_on_a_day(name: str, day: date, path: Path) -> None:
    assert AgencyTree(HANOI).place(name, day) == path


def test_successors_of_successors_are_followed() -> None:
    tree = AgencyTree(
        [
            agency("A", to=date(2007, 12, 31), successors=["B"]),
            agency("B", since=date(2008, 1, 1), to=BEFORE, successors=["C"]),
            agency("C", since=MERGER),
        ]
    )
    assert [tree.place("A", day) for day in (date(2007, 12, 31), date(2008, 1, 1), MERGER)] == [("A",), ("B",), ("C",)]


def test_what_several_successors_have_in_common_may_be_one_of_them_or_nothing() -> None:
    ended = agency("X", "P", to=BEFORE, successors=["C", "D"])
    shared = [agency("P"), agency("Q"), agency("C", "P")]
    assert AgencyTree([*shared, ended, agency("D", "C")]).place("X", MERGER) == ("P", "C")
    assert AgencyTree([*shared, ended, agency("D", "P")]).place("X", MERGER) == ("P",)
    assert AgencyTree([*shared, ended, agency("D", "Q")]).place("X", MERGER) == ("X",)
    third = agency("X", "P", to=BEFORE, successors=["C", "D", "Q"])
    assert AgencyTree([*shared, third, agency("D", "P")]).place("X", MERGER) == ("X",)


def test_an_ended_agency_without_successor_stays_below_where_its_parent_is_today() -> None:
    agencies = [
        agency("H26"),
        agency("D", "H26", to=BEFORE, successors=["W"]),
        agency("P", "D", to=BEFORE),
        agency("W", "H26", since=MERGER),
    ]
    assert AgencyTree(agencies).place("P", MERGER) == ("H26", "W", "P")


def test_in_a_gap_an_agency_is_below_its_former_parent() -> None:
    agencies = [agency("A"), agency("B"), agency("X", "A", to=date(2019, 12, 31)), agency("X", "B", since=MERGER)]
    assert AgencyTree(agencies).place("X", BEFORE) == ("A", "X")
    assert AgencyTree(agencies).place("X", MERGER) == ("B", "X")
    # Successors of a version that another one follows take over nothing; the check of the file refuses them.
    agencies[2] = agency("X", "A", to=date(2019, 12, 31), successors=["B"])
    assert AgencyTree(agencies).place("X", BEFORE) == ("A", "X")


def test_two_agencies_may_change_places() -> None:
    agencies = [
        agency("A", to=BEFORE), agency("B", "A", to=BEFORE), agency("A", "B", since=MERGER), agency("B", since=MERGER),
    ]  # fmt: skip
    assert not agency_flaws(agencies)
    assert placements(agencies) == [
        Placement("A", FIRST_PLACED, BEFORE, ("A",)),
        Placement("A", MERGER, LAST_PLACED, ("B", "A")),
        Placement("B", FIRST_PLACED, BEFORE, ("A", "B")),
        Placement("B", MERGER, LAST_PLACED, ("B",)),
    ]


def test_a_new_name_is_no_new_place() -> None:
    agencies = [agency("A", to=BEFORE, name="Sở cũ"), agency("A", since=MERGER, name="Sở mới")]
    assert placements(agencies) == [Placement("A", FIRST_PLACED, LAST_PLACED, ("A",))]


def test_changes_outside_the_days_of_events_make_no_placement() -> None:
    agencies = [
        agency("A"), agency("X", to=date(1954, 10, 9)), agency("X", "A", since=date(1954, 10, 10), to=date(2200, 1, 1)),
        agency("X", since=date(2200, 1, 2)),
    ]  # fmt: skip
    assert placements(agencies)[1:] == [Placement("X", FIRST_PLACED, LAST_PLACED, ("A", "X"))]


def test_parents_and_successors_may_be_aliases() -> None:
    agencies = [agency("H26", aliases=["000.00.00.H26"]), agency("P", "000.00.00.H26", to=BEFORE, successors=["q"])]
    agencies.append(agency("Q", since=MERGER, aliases=["q"]))
    assert [(each.parent, each.successors) for each in resolved(agencies)] == [("", ()), ("H26", ("Q",)), ("", ())]
    assert placements(agencies) == placements(resolved(agencies))


def test_placements_refuse_a_cycle_and_name_it() -> None:
    with pytest.raises(ValueError, match=r"on 2025-07-01 these agencies have no place, because of a cycle: A, B"):
        placements([agency("A", to=BEFORE), agency("A", "B", since=MERGER), agency("B", "A"), agency("C")])


CODES = tuple("abcdefg")
DAYS = tuple(date(2020, 1, 1) + timedelta(days=each) for each in (0, 1, 2, 5, 6, 30))
PROBES = tuple(day + shift for day in DAYS for shift in (-ONE_DAY, timedelta(), ONE_DAY))


@st.composite
def trees(draw: st.DrawFn) -> list[Agency]:
    """Agencies with several versions, gaps, aliases and successors, without a cycle on any day."""
    found = []
    for at, code in enumerate(CODES[: draw(st.integers(1, len(CODES)))]):
        # Mostly agencies declared before; some later ones, so that places can be exchanged.
        others = st.sampled_from(CODES[:at] or CODES) | st.sampled_from(CODES)
        cuts = sorted(draw(st.sets(st.sampled_from(DAYS), max_size=4)))
        edges = [FIRST_DAY if draw(st.booleans()) else DAYS[0], *cuts]
        ends = [*(cut - ONE_DAY for cut in cuts), draw(st.sampled_from((LAST_DAY, date(2020, 3, 1))))]
        for begin, end in zip(edges, ends, strict=True):
            if begin <= end and draw(st.integers(0, 4)):
                parent = draw(st.just("") | others)
                aliases = [f"{code}-alias"] if draw(st.booleans()) else []
                successors = draw(st.lists(others, max_size=2)) if end < LAST_DAY else []
                found.append(agency(code, parent, since=begin, to=end, aliases=aliases, successors=successors))
    while wrong := {flaw.row for flaw in agency_flaws(found) if "cycle" in flaw.wrong or "itself" in flaw.wrong}:
        found = [each for row, each in enumerate(found) if row not in wrong]
    return found or [agency("a")]


@pytest.mark.slow
@given(trees())
def test_placements_are_the_rule_on_every_day(agencies: list[Agency]) -> None:
    tree, stored = AgencyTree(agencies), Placements(placements(agencies))
    assert stored.names == tree.names.keys()
    for name in stored.names:
        for day in (FIRST_PLACED, LAST_PLACED, *PROBES):
            assert stored.path(name, day) == tree.place(name, day)


@pytest.mark.slow
@given(trees())
def test_placements_cover_all_days_once_and_differ_from_their_neighbours(agencies: list[Agency]) -> None:
    by_name: dict[str, list[Placement]] = {}
    for each in placements(agencies):
        by_name.setdefault(each.agency, []).append(each)
        assert len(set(each.path)) == len(each.path) > 0
    for found in by_name.values():
        assert (found[0].valid_from, found[-1].valid_to) == (FIRST_PLACED, LAST_PLACED)
        for one, following in pairwise(found):
            assert one.valid_to + ONE_DAY == following.valid_from
            assert one.path != following.path


@pytest.mark.slow
@given(trees(), st.randoms())
def test_the_order_of_rows_does_not_matter(agencies: list[Agency], order: random.Random) -> None:
    shuffled = order.sample(agencies, len(agencies))
    assert placements(shuffled) == placements(agencies)


@pytest.mark.slow
@given(trees(), st.data())
def test_an_agency_with_one_successor_is_where_its_successor_is(agencies: list[Agency], data: st.DataObject) -> None:
    tree, day = AgencyTree(agencies), data.draw(st.sampled_from(PROBES))
    for each in agencies:
        is_last = each.valid_to == max(other.valid_to for other in agencies if other.code == each.code)
        if is_last and each.valid_to < day and len(set(each.successors)) == 1:
            assert tree.place(each.code, day) == tree.place(each.successors[0], day)


@pytest.mark.slow
@given(trees(), st.data())
@settings(max_examples=60)
def test_children_and_own_figures_are_those_of_the_node_by_both_ways(
    agencies: list[Agency], data: st.DataObject
) -> None:
    names = (*AgencyTree(agencies).names, "not declared")
    keys = st.tuples(st.sampled_from(names), st.sampled_from(PROBES))
    counts = data.draw(st.dictionaries(keys, st.integers(0, 1000), max_size=20))
    for as_of in (None, data.draw(st.sampled_from(PROBES))):
        found = figures(counts, agencies, as_of)
        for day in PROBES:
            total = found.on(day)
            for node, count in total.items():
                assert count == found.own(node, day) + sum(found.children(node, day).values())
            roots = {path[0] for path, of_day in found.counts if of_day == day}
            assert sum(total[root] for root in roots) == sum(n for (_, of_day), n in counts.items() if of_day == day)


class Placements:
    """Stored placements, looked up by name and day as a dictionary of ranges does it."""

    def __init__(self, stored: Iterable[Placement]) -> None:
        self._stored = list(stored)
        self.names = {each.agency for each in self._stored}

    def path(self, name: str, day: date) -> Path:
        found = [each.path for each in self._stored if each.agency == name and each.valid_from <= day <= each.valid_to]
        assert len(found) == (name in self.names)
        return found[0] if found else (name,)


class Figures:
    """Counts by path and day."""

    def __init__(self, counts: Counter[tuple[Path, date]]) -> None:
        self.counts = counts

    def on(self, day: date) -> dict[str, int]:
        """Of each node, itself with all below."""
        total: Counter[str] = Counter()
        for (path, of_day), count in self.counts.items():
            if of_day == day:
                total.update(dict.fromkeys(path, count))
        return dict(total)

    def own(self, node: str, day: date) -> int:
        return sum(count for (path, of_day), count in self.counts.items() if of_day == day and path[-1] == node)

    def children(self, node: str, day: date) -> dict[str, int]:
        found: Counter[str] = Counter()
        for (path, of_day), count in self.counts.items():
            if of_day == day and node in path[:-1]:
                found[path[path.index(node) + 1]] += count
        return dict(found)


def figures(counts: dict[tuple[str, date], int], agencies: Iterable[Agency], as_of: date | None = None) -> Figures:
    """What was counted for codes on days, by the tree of that day, or of the day `as_of`."""
    stored = Placements(placements(agencies))
    found: Counter[tuple[Path, date]] = Counter()
    for (name, day), count in counts.items():
        found[stored.path(name, as_of or day), day] += count
    return Figures(found)
