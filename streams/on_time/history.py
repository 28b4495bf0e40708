"""The history of one case, as far as its term and its verdicts depend on it; instants are microseconds since 1970."""

from typing import Literal, TypeAlias

from msgspec import Struct

from schemas.working_time.duration import Duration, Unit
from streams.on_time.clock_stops import Stop

Outcome: TypeAlias = Literal["", "resolved", "withdrawn", "refused", "stopped", "answered"]

UNIT_OF_APPOINTMENTS: Unit = "working days"
"""What a term is counted in where no version of the procedure says so."""


class Appointment(Struct, frozen=True, gc=False):
    """A term that the source sent: for when, since when it holds, and when the source recorded it.

    The two times differ where a source sends the whole dossier again: the term then holds since the reception, and
    takes account of every stop up to its record.
    """

    term: int
    at: int
    recorded: int


class Extension(Struct, frozen=True, gc=False):
    """A later term that the source sent, and whether an apology (form 04) came with it."""

    appointment: Appointment
    apology: bool


class History(Struct, frozen=True):
    """What is known today of a case that was received: of the past, too, the latest records hold.

    `extensions` are in the order of their numbers: the last one that was made gives the term. `promised` is the term of
    the procedure's version that was valid for the channel at reception. Questions about an instant see only what
    happened at or before it.
    """

    received_at: int
    appointment: Appointment | None = None
    extensions: tuple[Extension, ...] = ()
    promised: Duration | None = None
    same_day: bool = False
    stops: tuple[Stop, ...] = ()
    outcome: Outcome = ""
    outcome_at: int | None = None
    returned_at: int | None = None
    is_feedback: bool = False

    @property
    def unit(self) -> Unit:
        """What the term, and with it the stops of its clock, are counted in."""
        return self.promised.unit if self.promised else UNIT_OF_APPOINTMENTS

    def has_ended(self, at: int) -> bool:
        """Whether the outcome came at or before this instant."""
        return self.outcome_at is not None and self.outcome_at <= at

    def until(self, at: int) -> int:
        """The outcome, where it came before this instant, or else the instant: up to there the clock may run."""
        return at if self.outcome_at is None else min(self.outcome_at, at)
