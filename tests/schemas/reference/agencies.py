"""Agencies for tests, in one line each."""

from collections.abc import Sequence
from datetime import date

from schemas.reference.agency import Agency, Level
from schemas.reference.validity import FIRST_DAY, LAST_DAY


def agency(
    code: str,
    parent: str = "",
    *,
    level: Level = "commune",
    name: str = "",
    since: date = FIRST_DAY,
    to: date = LAST_DAY,
    aliases: Sequence[str] = (),
    successors: Sequence[str] = (),
) -> Agency:
    """An agency of which only what is given matters."""
    return Agency(
        code=code,
        name_vi=name or f"UBND {code}",
        parent=parent,
        level=level,
        valid_from=since,
        valid_to=to,
        aliases=tuple(aliases),
        successors=tuple(successors),
    )
