"""Order of codes whose places depend on each other's, and the cycles that prevent one."""

from collections.abc import Iterator, Mapping, Sequence


def ordered(depends: Mapping[str, Sequence[str]]) -> list[str]:
    """The codes, each after all that it depends on; those in a cycle, or depending on one, are left out."""
    dependents: dict[str, list[str]] = {}
    missing = {}
    for code, others in depends.items():
        missing[code] = count = sum(other in depends for other in others)
        if count:
            for other in others:
                dependents.setdefault(other, []).append(code)
    found = [code for code, count in missing.items() if not count]
    for code in found:  # grows as it is read
        for dependent in dependents.get(code, ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                found.append(dependent)
    return found


def cycles(depends: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Cycles, each from its least code on; every code that is in a cycle is in one of these or depends on one."""
    placed = set(ordered(depends))
    followed: set[str] = set()
    for start in sorted(depends.keys() - placed):
        walked: dict[str, int] = {}
        code = start
        # A code that has no place depends on another one that has none.
        while code not in walked and code not in followed:
            walked[code] = len(walked)
            code = next(other for other in depends[code] if other in depends and other not in placed)
        if code in walked:
            cycle = list(walked)[walked[code] :]
            first = cycle.index(min(cycle))
            yield (*cycle[first:], *cycle[:first])
        followed |= walked.keys()
