"""Agencies by what sources call them, and procedures by their codes: reference data as the receiver looks things up."""

import re
from collections.abc import Iterable

from msgspec import Struct

from schemas.nfc import nfc
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion

_LEGACY = re.compile(r"[0-9A-Za-z]{2,3}(?:\.[0-9A-Za-z]{2,3}){2}\.([GH][0-9]{2})")
"""A code as it was until 2025: three groups from below up to the last one, 000 or 00 where there is none."""


class Place(Struct, frozen=True):
    """An agency that is declared: its code, its name and level today, and the codes above it."""

    code: str
    name: str
    level: str
    above: tuple[str, ...]


class Directory(Struct, frozen=True):
    """`codes` has aliases, too, `names` is by folded name and may hold several agencies of one name."""

    codes: dict[str, Place] = {}  # read only
    names: dict[str, tuple[Place, ...]] = {}  # read only
    procedures: dict[str, ProcedureVersion] = {}  # read only

    def covers(self, scope: str, code: str) -> bool:
        """Whether the agency with this code is the scope itself or below it."""
        if code == scope or code.startswith(f"{scope}."):
            return True
        place = self.codes.get(code)
        return place is not None and (place.code == scope or scope in place.above)


def directory_of(agencies: Iterable[Agency], procedures: Iterable[ProcedureVersion]) -> Directory:
    """The directory of what was declared, the latest version of each code."""
    latest: dict[str, Agency] = {}
    for agency in sorted(agencies, key=lambda each: each.valid_from):
        latest[agency.code] = agency
    by_name = {alias: each.code for each in latest.values() for alias in (*each.aliases, each.code)}
    places = {
        code: Place(code, each.name_vi, each.level, _above(code, latest, by_name)) for code, each in latest.items()
    }
    names: dict[str, tuple[Place, ...]] = {}
    for code, each in latest.items():
        for name in {folded(each.name_vi), folded(each.name_en)} - {""}:
            names[name] = (*names.get(name, ()), places[code])
    codes = {name: places[code] for name, code in by_name.items()}
    ordered = sorted(procedures, key=lambda each: each.valid_from)
    return Directory(codes, names, {each.code: each for each in ordered})


def folded(name: str) -> str:
    """The name as it is compared: in NFC, without case and superfluous spaces."""
    return " ".join(nfc(name).casefold().split())


def modern(code: str) -> str:
    """A legacy code such as 000.00.17.H26 in the order of today, H26.17; any other code as it is."""
    found = _LEGACY.fullmatch(code)
    if found is None:
        return code
    groups = [group for group in reversed(code.split(".")[:-1]) if group.strip("0")]
    return ".".join([found[1], *groups])


def _above(code: str, latest: dict[str, Agency], by_name: dict[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    while (parent := by_name.get(latest[code].parent, "")) and parent not in found:
        found.append(parent)
        code = parent
    return tuple(found)
