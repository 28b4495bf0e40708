"""What must hold for versions of any kind: codes are spelled in one way, and validity has no gap and no overlap."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Protocol, TypeVar

from schemas.reference.findings import Flaw, quoted
from schemas.reference.validity import FIRST_DAY, ONE_DAY, Valid


class Coded(Protocol):
    """Something with a code."""

    @property
    def code(self) -> str:
        """The code."""


C = TypeVar("C", bound=Coded)


def by_code(rows: Iterable[C]) -> dict[str, list[tuple[int, C]]]:
    """The rows of each code with their numbers."""
    found: dict[str, list[tuple[int, C]]] = {}
    for row, each in enumerate(rows):
        found.setdefault(each.code, []).append((row, each))
    return found


def case_flaws(rows: Iterable[Coded]) -> Iterator[Flaw]:
    """Codes that differ from an earlier one only in case."""
    spelled: dict[str, tuple[str, int]] = {}
    for row, each in enumerate(rows):
        known, other = spelled.setdefault(each.code.casefold(), (each.code, row))
        if known != each.code:
            yield Flaw(row, "code", each.code, f"differs only in case from the code {quoted(known)}", other)


def validity_flaws(versions: Sequence[tuple[int, Valid]]) -> Iterator[Flaw]:
    """Of one code: versions that end before they begin, repeat or overlap another, or leave days without a version."""
    whole = []
    for row, version in versions:
        if version.valid_to < version.valid_from:
            wrong = f"is before valid_from, {version.valid_from}"
            yield Flaw(row, "valid_to", str(version.valid_to), wrong, read=(row,))
        else:
            whole.append((row, version))
    whole.sort(key=lambda each: (each[1].valid_from, each[0]))
    for (before, earlier), (row, version) in zip(accumulate(whole, _ending_last), whole[1:], strict=False):
        read = (row, before)
        if version == earlier:
            yield Flaw(row, "", "", "is the same row again", before, read)
        elif version.valid_from <= earlier.valid_to:
            yield Flaw(row, "valid_from", _begin(version), "overlaps another version of the code", before, read)
        elif version.valid_from > earlier.valid_to + ONE_DAY:
            days = f"from {earlier.valid_to + ONE_DAY} until {version.valid_from - ONE_DAY}"
            yield Flaw(row, "valid_from", _begin(version), f"leaves the code without a version {days}", before, read)


def _ending_last(one: tuple[int, Valid], other: tuple[int, Valid]) -> tuple[int, Valid]:
    return other if other[1].valid_to > one[1].valid_to else one


def _begin(version: Valid) -> str:
    return "" if version.valid_from == FIRST_DAY else str(version.valid_from)
