"""Agencies that would make no tree, or an ambiguous one: each fault is found, and points to its row and column."""

import sys
from datetime import date, timedelta

import pytest

from schemas.reference.agency import Agency
from schemas.reference.agency_checks import MAX_DEPTH, agency_flaws
from schemas.reference.findings import Flaw
from tests.schemas.reference.agencies import agency
from tests.thorough import sized

END, NEXT = date(2025, 6, 30), date(2025, 7, 1)


def found(*agencies: Agency) -> list[tuple[int, str, str, str, int | None]]:
    return [(flaw.row, flaw.column, flaw.value, flaw.wrong, flaw.other) for flaw in agency_flaws(agencies)]


def test_a_right_tree_has_no_flaw() -> None:
    assert not found(
        agency("H26", aliases=["000.00.00.H26", "h26"]),
        agency("D", "000.00.00.H26", to=END, successors=["W", "V"]),
        agency("W", "H26", since=NEXT, aliases=["W-alias"]),
        agency("W", "D", to=END, aliases=["W-alias"]),
        agency("V", "H26"),
    )


def test_codes_in_other_case() -> None:
    assert found(agency("Đ1"), agency("X"), agency("đ1")) == [
        (2, "code", "đ1", "differs only in case from the code 'Đ1'", 0)
    ]


@pytest.mark.parametrize(
    ("aliases", "wrong", "other"),
    [
        (["A"], "is the code of an agency", 0),
        (["X"], "is the code of an agency", 1),
        (["a"], "differs only in case from 'A'", 0),
        (["old"], "is an alias of 'A' as well", 0),
        (["OLD"], "differs only in case from 'old'", 0),
        (["x1", "x1"], "is there twice", None),
    ],
)
def test_aliases_that_are_no_names_of_their_own(aliases: list[str], wrong: str, other: int | None) -> None:
    rows = found(agency("A", aliases=["old"]), agency("X", aliases=aliases))
    assert rows == [(1, "aliases", aliases[0], wrong, other)]


def test_an_alias_that_is_a_code_further_down() -> None:
    assert found(agency("A", aliases=["B"]), agency("B")) == [(0, "aliases", "B", "is the code of an agency", 1)]


def test_unknown_parents_and_successors() -> None:
    assert found(agency("A", aliases=["old"]), agency("X", "a", to=END, successors=["OLD", "nobody"])) == [
        (1, "parent", "a", "is not the code of an agency: is 'A' meant?", None),
        (1, "successors", "OLD", "is not the code of an agency: is 'old' meant?", None),
        (1, "successors", "nobody", "is not the code of an agency", None),
    ]


def test_an_agency_that_is_its_own_parent_or_successor() -> None:
    assert found(agency("A", "A"), agency("B", "b2", aliases=["b2"], to=END, successors=["B", "A"])) == [
        (0, "parent", "A", "is the agency itself", None),
        (1, "parent", "b2", "is the agency itself", None),
        (1, "successors", "B", "is the agency itself", None),
    ]


def test_successors_that_never_take_over() -> None:
    assert found(
        agency("W", aliases=["w2"]),
        agency("A", successors=["W"]),
        agency("B", to=END, successors=["W"]),
        agency("B", since=NEXT),
        agency("C", to=END, successors=["W", "w2"]),
    ) == [
        (1, "successors", "W", "would never take over: the version has no valid_to", None),
        (2, "successors", "W", "would never take over: a later version of the code follows", 3),
        (4, "successors", "w2", "is there twice", None),
    ]


def test_gaps_overlaps_and_repeated_rows() -> None:
    begin = date(2020, 1, 1)
    assert found(
        agency("A", since=date(2022, 1, 1), to=END),
        agency("A", since=begin, to=date(2021, 12, 30)),
        agency("B", since=begin),
        agency("B", since=date(2021, 1, 1), to=END),
        agency("B", since=NEXT),
        agency("C"),
        agency("C"),
        agency("D", since=NEXT, to=END),
    ) == [
        (0, "valid_from", "2022-01-01", "leaves the code without a version from 2021-12-31 until 2021-12-31", 1),
        (3, "valid_from", "2021-01-01", "overlaps another version of the code", 2),
        (4, "valid_from", "2025-07-01", "overlaps another version of the code", 2),
        (6, "", "", "is the same row again", 5),
        (7, "valid_to", "2025-06-30", "is before valid_from, 2025-07-01", None),
    ]


@pytest.mark.parametrize(
    ("agencies", "flaws"),
    [
        ([agency("A", "B"), agency("B", "A")], [(0, "parent", "B", "closes a cycle: A → B → A")]),
        (
            [agency("A", to=END, successors=["B"]), agency("B", to=END, successors=["A"])],
            [(0, "successors", "B", "closes a cycle from 2025-07-01 on: A → B → A")],
        ),
        (  # Over a successor and a parent: the ward was left below the district that it succeeds.
            [agency("D", to=END, successors=["W"]), agency("W", "D")],
            [(0, "successors", "W", "closes a cycle from 2025-07-01 on: D → W → D")],
        ),
        (  # The first successor is none of the cycle.
            [agency("A", to=END, successors=["Z", "B"]), agency("B", "A"), agency("Z")],
            [(0, "successors", "Z|B", "closes a cycle from 2025-07-01 on: A → B → A")],
        ),
        (  # Once, although it goes on when A has ended.
            [agency("A", "B", to=END, successors=["B"]), agency("B", "A")],
            [(0, "parent", "B", "closes a cycle: A → B → A")],
        ),
        (  # Only where two versions meet: from July to December each is below the other.
            [
                agency("A", to=END),
                agency("A", "B", since=NEXT),
                agency("B", "A", to=date(2025, 12, 31)),
                agency("B", since=date(2026, 1, 1)),
            ],
            [(1, "parent", "B", "closes a cycle from 2025-07-01 on: A → B → A")],
        ),
        (
            [agency("A", "B"), agency("B", "A"), agency("C", "D"), agency("D", "C"), agency("below", "C")],
            [(0, "parent", "B", "closes a cycle: A → B → A"), (2, "parent", "D", "closes a cycle: C → D → C")],
        ),
    ],
)
def test_cycles(agencies: list[Agency], flaws: list[tuple[int, str, str, str]]) -> None:
    assert [flaw[:4] for flaw in found(*agencies)] == flaws


def test_a_long_cycle_is_shown_in_one_line() -> None:
    ring = [agency(f"C{at:03}", f"C{(at + 1) % 200:03}") for at in range(200)]
    ((_, _, _, wrong, _),) = found(*ring)
    assert wrong.startswith("closes a cycle: C000 → C001 →")
    assert wrong.endswith("→ C199 → C000")
    assert len(wrong) < 120


def test_a_tree_that_is_too_deep() -> None:
    chain = [agency(f"C{at:03}", f"C{at - 1:03}" if at else "") for at in range(MAX_DEPTH + 10)]
    assert found(*chain[:MAX_DEPTH]) == []
    wrong = f"puts the agency more than {MAX_DEPTH} levels below a root"
    assert found(*chain) == [(MAX_DEPTH, "parent", f"C{MAX_DEPTH - 1:03}", wrong, None)]


@pytest.mark.slow
def test_a_long_line_of_successors_is_no_deep_tree() -> None:
    first, last = date(1975, 1, 1), sized(sys.getrecursionlimit() + 100, 2000)
    line = [
        agency(f"C{at}", to=first + timedelta(days=at), successors=[f"C{at + 1}"] if at < last else [])
        for at in range(last + 1)
    ]
    assert not found(*line)


def test_flaws_name_the_rows_that_they_follow_from() -> None:
    # Where a validity could not be read, nothing that follows from it may be said.
    flaws = agency_flaws([agency("A", "B"), agency("B", "A"), agency("C"), agency("C", since=NEXT)])
    assert flaws == [
        Flaw(0, "parent", "B", "closes a cycle: A → B → A", read=(0, 1)),
        Flaw(3, "valid_from", "2025-07-01", "overlaps another version of the code", 2, (3, 2)),
    ]
