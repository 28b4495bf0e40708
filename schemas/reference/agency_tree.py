"""The places of agencies in the tree: on each day, the node that the figures of a code belong to, and those above it.

This is the only module that decides a place. `AgencyTree.place` is the rule, one code on one day. `placements` computes
the same for all codes and days at once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from msgspec import Struct, structs

from schemas.reference.agency import Agency
from schemas.reference.dependency_order import ordered
from schemas.reference.validity import FIRST_DAY, LAST_DAY, ONE_DAY, boundaries

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

    def version(self, code: str, day: date) -> Agency:
        """The version of the day; before the first, the first one; in a gap or after the last, the one before."""
        return self._versions[code][max(bisect_right(self._begins[code], day) - 1, 0)]

    def standing(self, code: str, day: date) -> Standing:
        """What the place of this code, which is no alias, is derived from."""
        if code not in self._versions:
            return Standing((), True)
        version = self.version(code, day)
        if version.successors and version is self._versions[code][-1] and day > version.valid_to:
            return Standing(tuple(self.names.get(name, name) for name in version.successors), False)
        return Standing((self.names.get(version.parent, version.parent),) if version.parent else (), True)

    def place(self, name: str, day: date) -> Path:
        """The path of a code or alias on a day; raises RecursionError where the tree has a cycle."""
        code = self.names.get(name, name)
        standing = self.standing(code, day)
        return path_from(code, standing, [self.place(other, day) for other in standing.others])

    def days(self) -> Iterator[tuple[date, dict[str, Standing]]]:
        """The days on which places can change, with the standings of the codes that this concerns: at first, of all."""
        changing: dict[date, set[str]] = {FIRST_DAY: set(self._versions)}
        for code, versions in self._versions.items():
            for day in boundaries(versions):
                changing.setdefault(day, set()).add(code)
        standings: dict[str, Standing] = {}
        dependents: dict[str, set[str]] = {}
        for day in sorted(changing):
            reached = []
            for code in changing[day]:
                old, new = standings.get(code), self.standing(code, day)
                if new == old:
                    continue
                for other in old.others if old else ():
                    dependents[other].discard(code)
                for other in new.others:
                    dependents.setdefault(other, set()).add(code)
                standings[code] = new
                reached.append(code)
            affected = {code: standings[code] for code in reached}
            for code in reached:  # grows as it is read
                for dependent in dependents.get(code, ()):
                    if dependent not in affected:
                        affected[dependent] = standings[dependent]
                        reached.append(dependent)
            if affected:
                yield day, affected


def placements(agencies: Iterable[Agency]) -> list[Placement]:
    """The places of all codes and aliases: intervals that cover all days without a gap; neighbours have other paths.

    Raises ValueError where the tree has a cycle: check agencies first.
    """
    tree = AgencyTree(agencies)
    paths: dict[str, Path] = {}
    begun: dict[str, list[tuple[date, Path]]] = {}
    for day, affected in tree.days():
        order = ordered({code: standing.others for code, standing in affected.items()})
        if len(order) < len(affected):
            left = ", ".join(sorted(affected.keys() - set(order)))
            raise ValueError(f"on {day} these agencies have no place, because of a cycle: {left:.500}")
        for code in order:
            path = path_from(code, affected[code], [paths.get(other, (other,)) for other in affected[code].others])
            if path != paths.get(code):
                paths[code] = path
                begun.setdefault(code, []).append((day, path))
    return [placement for name, code in sorted(tree.names.items()) for placement in _intervals(name, begun[code])]


def resolved(agencies: Iterable[Agency]) -> list[Agency]:
    """The agencies with codes in place of aliases as parents and successors, and with sorted lists."""
    agencies = list(agencies)
    codes = AgencyTree(agencies).names
    return [
        structs.replace(
            each,
            parent=codes.get(each.parent, each.parent),
            aliases=tuple(sorted(each.aliases)),
            successors=tuple(sorted(codes.get(name, name) for name in each.successors)),
        )
        for each in agencies
    ]


def _intervals(name: str, begun: Sequence[tuple[date, Path]]) -> Iterator[Placement]:
    ends = [*(day - ONE_DAY for day, _ in begun[1:]), LAST_DAY]
    for (day, path), end in zip(begun, ends, strict=True):
        start, end = max(day, FIRST_PLACED), min(end, LAST_PLACED)
        if start <= end:
            yield Placement(name, start, end, path)


def _shared(paths: Sequence[Path]) -> Path:
    """The longest path that all of these begin with."""
    if len(paths) < 2:
        return paths[0] if paths else ()
    least, greatest = min(paths), max(paths)
    length = next((at for at, pair in enumerate(zip(least, greatest, strict=False)) if pair[0] != pair[1]), len(least))
    return least[:length]
