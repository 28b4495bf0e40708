"""The places of agencies in the tree: on each day, the node that the figures of a code belong to, and those above it.

This is the only module that decides a place. `AgencyTree.place` is the rule, one code on one day. `placements` computes
the same for all codes and days at once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from schemas.reference.agency import Agency
from schemas.reference.dependency_order import ordered
from schemas.reference.validity import ONE_DAY, boundaries

FIRST_PLACED = date(1970, 1, 1)
LAST_PLACED = date(2149, 6, 6)
"""The days that have places: those of a ClickHouse Date, which has room for every day that an event can have."""

Path: TypeAlias = tuple[str, ...]
"""Codes from a root down to the node that figures belong to."""


class Placement(Struct, frozen=True, gc=False):
    """The path of a code or alias from one day to another, both inclusive."""

    agency: str
    valid_from: date
    valid_to: date
    path: Path


class Standing(NamedTuple):
    """What the place of a code is derived from on a day: the place of the agency above it, or those of its successors.

    `is_node` says that the code is a node of its own. Otherwise its figures belong to what its successors share.
    """

    others: tuple[str, ...]
    is_node: bool


def path_from(code: str, standing: Standing, paths: Sequence[Path]) -> Path:
    """The path of a code, from those of the others that it stands with."""
    shared = _shared(paths)
    return (*shared, code) if standing.is_node or not shared else shared


class AgencyTree:
    """Agencies by code and day. Parents and successors may be aliases; a code that is not declared is a root."""

    def __init__(self, agencies: Iterable[Agency]) -> None:
        self._versions: dict[str, list[Agency]] = {}
        for agency in sorted(agencies, key=lambda each: each.valid_from):
            self._versions.setdefault(agency.code, []).append(agency)
        self._begins = {code: [each.valid_from for each in found] for code, found in self._versions.items()}
        self.names = {alias: each.code for found in self._versions.values() for each in found for alias in each.aliases}
        self.names |= {code: code for code in self._versions}
        """The code of each code and alias."""

    def standing(self, code: str, day: date) -> Standing:
        """What the place of this code, which is no alias, is derived from."""
        versions = self._versions.get(code)
        if versions is None:
            return Standing((), True)
        # The version of the day; before the first, the first one; in a gap or after the last, the one before.
        version = versions[max(bisect_right(self._begins[code], day) - 1, 0)]
        if version.successors and version is versions[-1] and day > version.valid_to:
            return Standing(tuple(self.names.get(name, name) for name in version.successors), False)
        return Standing((self.names.get(version.parent, version.parent),) if version.parent else (), True)

    def standings(self, day: date) -> dict[str, Standing]:
        """The standing of every declared code."""
        return {code: self.standing(code, day) for code in self._versions}

    def place(self, name: str, day: date) -> Path:
        """The path of a code or alias on a day; raises RecursionError where the tree has a cycle."""
        code = self.names.get(name, name)
        standing = self.standing(code, day)
        return path_from(code, standing, [self.place(other, day) for other in standing.others])


def placements(agencies: Iterable[Agency]) -> list[Placement]:
    """The places of all codes and aliases: intervals that cover all days without a gap, of different paths.

    Raises ValueError where the tree has a cycle: check agencies first.
    """
    agencies = list(agencies)
    tree = AgencyTree(agencies)
    begun: dict[str, list[tuple[date, Path]]] = {code: [] for code in tree.names.values()}
    inner = (day for day in boundaries(agencies) if FIRST_PLACED < day <= LAST_PLACED)
    for day in (FIRST_PLACED, *inner):
        for code, path in _paths(tree, day).items():
            if not begun[code] or begun[code][-1][1] != path:
                begun[code].append((day, path))
    found = []
    for name, code in sorted(tree.names.items()):
        ends = [*(day - ONE_DAY for day, _ in begun[code][1:]), LAST_PLACED]
        found += [Placement(name, day, end, path) for (day, path), end in zip(begun[code], ends, strict=True)]
    return found


def _paths(tree: AgencyTree, day: date) -> dict[str, Path]:
    standings = tree.standings(day)
    found: dict[str, Path] = {}
    for code in ordered({code: standing.others for code, standing in standings.items()}):
        standing = standings[code]
        found[code] = path_from(code, standing, [found.get(other, (other,)) for other in standing.others])
    if len(found) < len(standings):
        left = ", ".join(sorted(standings.keys() - found.keys()))
        raise ValueError(f"on {day} these agencies have no place, because of a cycle: {left:.500}")
    return found


def _shared(paths: Sequence[Path]) -> Path:
    """The longest path that all of these begin with."""
    if len(paths) < 2:
        return paths[0] if paths else ()
    least, greatest = min(paths), max(paths)
    length = next((at for at, pair in enumerate(zip(least, greatest, strict=False)) if pair[0] != pair[1]), len(least))
    return least[:length]
