"""Checks of officials: a code names one of them, and names no person."""

from collections.abc import Sequence

from schemas.reference.findings import Flaw
from schemas.reference.official import Official
from schemas.reference.version_checks import by_code, case_flaws


def official_flaws(officials: Sequence[Official]) -> list[Flaw]:
    """Everything that is wrong with these officials, in the order of their rows; no flaw holds a name."""
    flaws = list(case_flaws(officials))
    for rows in by_code(officials).values():
        first, official = rows[0]
        for row, other in rows[1:]:
            wrong = "is the same row again" if other == official else "is the code of another row as well"
            flaws.append(Flaw(row, "code", other.code, wrong, first))
    for row, official in enumerate(officials):
        if official.name and official.code.casefold() == official.name.casefold():
            flaws.append(Flaw(row, "code", "", "is the name: codes stand in events, so they must not tell who it is"))
    return sorted(flaws, key=lambda flaw: (flaw.row, flaw.column))
