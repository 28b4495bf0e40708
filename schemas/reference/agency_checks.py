"""Checks of agencies: what would make their tree ambiguous, or no tree."""

from collections.abc import Iterator, Sequence
from datetime import date

from schemas.reference.agency import Agency
from schemas.reference.agency_tree import AgencyTree
from schemas.reference.dependency_order import cycles, ordered
from schemas.reference.findings import Flaw, printable, quoted
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from schemas.reference.version_checks import by_code, case_flaws, validity_flaws

MAX_DEPTH = 20
"""The most agencies on the way from a root to a leaf; administrations have four."""


def agency_flaws(agencies: Sequence[Agency]) -> list[Flaw]:
    """Everything that is wrong with these agencies as one tree, in the order of their rows."""
    flaws = [*case_flaws(agencies), *_alias_flaws(agencies), *_reference_flaws(agencies)]
    for versions in by_code(agencies).values():
        flaws += validity_flaws(versions)
        flaws += _successor_flaws(versions)
    return sorted([*flaws, *_tree_flaws(agencies)], key=lambda flaw: (flaw.row, flaw.column))


def _alias_flaws(agencies: Sequence[Agency]) -> Iterator[Flaw]:
    """Aliases that another agency has as well, or that are codes; a code's own alias may be the code in other case."""
    rows: dict[str, int] = {}
    spelled: dict[str, tuple[str, str, int]] = {}
    for row, agency in enumerate(agencies):
        rows.setdefault(agency.code, row)
        spelled.setdefault(agency.code.casefold(), (agency.code, agency.code, row))
    for row, agency in enumerate(agencies):
        for at, alias in enumerate(agency.aliases):
            known, code, other = spelled.setdefault(alias.casefold(), (alias, agency.code, row))
            if alias in agency.aliases[:at]:
                yield Flaw(row, "aliases", alias, "is there twice")
            elif alias in rows:
                yield Flaw(row, "aliases", alias, "is the code of an agency", rows[alias])
            elif code != agency.code and known == alias:
                yield Flaw(row, "aliases", alias, f"is an alias of {quoted(code)} as well", other)
            elif code != agency.code:
                yield Flaw(row, "aliases", alias, f"differs only in case from {quoted(known)}", other)


def _reference_flaws(agencies: Sequence[Agency]) -> Iterator[Flaw]:
    """Parents and successors that are not declared, or that are the agency itself."""
    names = AgencyTree(agencies).names
    spelled = {name.casefold(): name for name in names}
    for row, agency in enumerate(agencies):
        named = [("parent", agency.parent)] if agency.parent else []
        for column, name in [*named, *(("successors", name) for name in agency.successors)]:
            if name not in names:
                similar = spelled.get(name.casefold())
                hint = f": is {quoted(similar)} meant?" if similar else ""
                yield Flaw(row, column, name, f"is not the code of an agency{hint}")
            elif names[name] == agency.code:
                yield Flaw(row, column, name, "is the agency itself")
        codes = [names.get(name, name) for name in agency.successors]
        for at, code in enumerate(codes):
            if code in codes[:at]:
                yield Flaw(row, "successors", agency.successors[at], "is there twice")


def _successor_flaws(versions: Sequence[tuple[int, Agency]]) -> Iterator[Flaw]:
    """Successors that never take over: of a version that another one follows, or that does not end."""
    last, latest = max(versions, key=lambda each: each[1].valid_to)
    for row, version in versions:
        shown = "|".join(version.successors)
        if version.successors and version.valid_to == LAST_DAY:
            yield Flaw(row, "successors", shown, "would never take over: the version has no valid_to", read=(row,))
        elif version.successors and version.valid_to < latest.valid_to:
            yield Flaw(
                row,
                "successors",
                shown,
                "would never take over: a later version of the code follows",
                last,
                (row, last),
            )


def _tree_flaws(agencies: Sequence[Agency]) -> Iterator[Flaw]:
    """Cycles, over parents or successors or both, and paths that are too long; each once, on its first day."""
    tree = AgencyTree(agencies)
    rows = {id(agency): row for row, agency in enumerate(agencies)}
    found: set[frozenset[str]] = set()
    depths: dict[str, int] = {}
    for day, affected in tree.days():
        depends = {code: standing.others for code, standing in affected.items()}
        order = ordered(depends)
        for code in order:
            depth = max((depths.get(other, 1) for other in depends[code]), default=0) + affected[code].is_node
            if depth == MAX_DEPTH + 1 != depths.get(code):
                yield _stated(tree, rows, [code], day, f"puts the agency more than {MAX_DEPTH} levels below a root")
            depths[code] = depth
        for cycle in cycles(depends) if len(order) < len(depends) else ():
            if len(cycle) > 1 and frozenset(cycle) not in found:
                found.add(frozenset(cycle))
                since = "" if day == FIRST_DAY else f" from {day} on"
                yield _stated(tree, rows, cycle, day, f"closes a cycle{since}: {_shown(cycle)}")


def _stated(tree: AgencyTree, rows: dict[int, int], codes: Sequence[str], day: date, wrong: str) -> Flaw:
    """The flaw of the value that decides the place of the first of these codes on a day."""
    version = tree.version(codes[0], day)
    read = tuple(rows[id(tree.version(code, day))] for code in codes)
    if tree.standing(codes[0], day).is_node:
        return Flaw(read[0], "parent", version.parent, wrong, read=read)
    return Flaw(read[0], "successors", "|".join(version.successors), wrong, read=read)


def _shown(cycle: Sequence[str]) -> str:
    codes = [*cycle, cycle[0]]
    left_out = [f"… {len(codes) - 10} more …"] if len(codes) > 12 else []
    return " → ".join(map(printable, [*codes[:8], *left_out, *codes[-2:]] if left_out else codes))
