"""What a procedure promises: the term of the version that was valid for the channel when the dossier came in."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from schemas.errors import OutsideCalendar
from schemas.reference.procedure import ProcedureVersion
from schemas.reference.validity import is_valid
from schemas.working_time.arithmetic import add
from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Duration


class Promise(Struct, frozen=True):
    """How long a procedure may take, and whether the day of the reception is the first day of the term."""

    duration: Duration
    same_day: bool = False

    def due(self, received_at: int, calendar: Calendar) -> int | None:
        """When a dossier that came in at this instant is due; None where calendars end before."""
        try:
            return add(received_at, self.duration, calendar, same_day=self.same_day)
        except OutsideCalendar:
            return None


def promise_of(versions: Iterable[ProcedureVersion], channel: str, day: date) -> Promise | None:
    """What a procedure with these versions promises to a dossier that came by this channel on this local day.

    None where no version is valid, or the one that is has no term. A later change of the catalogue changes no term.
    """
    for version in versions:
        if is_valid(version, day) and channel in version.channels:
            return Promise(Duration(version.term, version.unit)) if version.term is not None and version.unit else None
    return None
