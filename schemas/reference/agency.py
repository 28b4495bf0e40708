"""Agencies (cơ quan, đơn vị): what decides or receives dossiers, in versions."""

from datetime import date
from typing import Literal, get_args

from msgspec import Struct

from schemas.reference.validity import FIRST_DAY, LAST_DAY

Level = Literal["ministry", "province", "department", "district", "commune", "centre", "branch"]
LEVELS: tuple[Level, ...] = get_args(Level)


class Agency(Struct, frozen=True, kw_only=True, gc=False):
    """One version of an agency: another name or another parent is another version, on other days.

    `parent` is the code of the agency above, empty at a root. `group` is whom it is compared with. `aliases` are other
    codes that sources use for it. `successors` are the codes that took over after its last version.
    """

    code: str
    name_vi: str
    name_en: str = ""
    parent: str = ""
    level: Level
    group: str = ""
    valid_from: date = FIRST_DAY
    valid_to: date = LAST_DAY
    aliases: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()
