"""The term that a procedure promises: that of the version which was valid for the channel when the dossier came in."""

from collections.abc import Iterable
from datetime import date

from schemas.reference.procedure import ProcedureVersion
from schemas.reference.validity import is_valid
from schemas.working_time.duration import Duration


def promised(versions: Iterable[ProcedureVersion], channel: str, day: date) -> Duration | None:
    """The term of a dossier that came by this channel on this local day, by all versions of its procedure.

    None where no version is valid, or the one that is has no term. A later change of the catalogue changes no term.
    """
    for version in versions:
        if is_valid(version, day) and channel in version.channels:
            return Duration(version.term, version.unit) if version.term is not None and version.unit else None
    return None
