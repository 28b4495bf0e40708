"""The agency that an item is about, by code, by name, or by the code of the dossier."""

import re
from collections.abc import Sequence

from msgspec import Struct

from connectors.portal.directory import Directory, folded, modern
from connectors.portal.rejected import Rejected

_CODE = re.compile(r"[GH][0-9]{2}(\.[0-9A-Za-z]{1,5}){1,4}")


class Found(Struct, frozen=True):
    """The agency's code; `is_known` is false where it is only the sender's own, for want of a better one."""

    code: str
    is_known: bool
    is_foreign: bool = False
    """Whether the code of the dossier begins with an agency that the sender does not speak for."""


def find_agency(named: str, dossier: str, scopes: Sequence[str], own: str, directory: Directory) -> Found:
    """The agency of a dossier; raises Rejected where the sender may not speak for it.

    A name counts before the beginning of the dossier's code, which may be that of another system.
    """
    prefix = modern(dossier.partition("-")[0])
    prefixed = directory.codes[prefix].code if prefix in directory.codes else prefix
    is_ours = may_speak(prefixed, scopes, directory)
    code = _by_code(named, scopes, directory) or _by_name(named, scopes, directory)
    if code:
        if not may_speak(code, scopes, directory):
            raise Rejected("agency", "DonViXuLy", "is an agency that this sender may not speak for")
        return Found(code, is_known=True, is_foreign=not is_ours)
    if is_ours:
        return Found(prefixed, is_known=not named)
    return Found(own, is_known=False, is_foreign=True)


def may_speak(code: str, scopes: Sequence[str], directory: Directory) -> bool:
    """Whether one of these scopes covers the agency."""
    return any(directory.covers(scope, code) for scope in scopes)


def _by_code(named: str, scopes: Sequence[str], directory: Directory) -> str:
    """The agency with this code or alias; one below the sender's own need not be declared."""
    code = modern(named)
    place = directory.codes.get(named) or directory.codes.get(code)
    if place:
        return place.code
    return code if _CODE.fullmatch(code) and may_speak(code, scopes, directory) else ""


def _by_name(named: str, scopes: Sequence[str], directory: Directory) -> str:
    """The one agency of this name, or the one of several that the sender may speak for."""
    places = directory.names.get(folded(named), ())
    ours = [place for place in places if may_speak(place.code, scopes, directory)]
    chosen = ours or list(places)
    return chosen[0].code if len(chosen) == 1 else ""
