"""The history of one case, as far as its term and its verdicts depend on it; instants are microseconds since 1970."""

from typing import Literal, TypeAlias

from msgspec import Struct

from schemas.working_time.duration import Unit
from streams.on_time.clock_stops import Stop

Outcome: TypeAlias = Literal["", "resolved", "withdrawn", "refused", "stopped", "answered"]

UNIT_OF_APPOINTMENTS: Unit = "working days"
"""What a term is counted in where no version of the procedure says so."""


class Appointment(Struct, frozen=True, gc=False):
    """A term that the source sent, and the instant at which it was set: it takes account of every stop up to there.

    That is not when it was recorded. A source that sends the whole dossier again records an old term anew.
    """

    term: int
    at: int


class Extension(Struct, frozen=True, gc=False):
    """A later term that the source sent, and whether an apology (form 04) came with it."""

    appointment: Appointment
    apology: bool


class History(Struct, frozen=True):
    """What is known today of a case that was received: of the past, too, the latest records hold.

    `computed` is the term that its procedure promises, before any stop, and `unit` what the term is counted in.
    `extensions` are in the order of their numbers: of those made by an instant, the last one gives the term. Questions
    about an instant depend only on what happened at or before it. No stop begins before the reception.
    """

    received_at: int
    computed: int | None = None
    unit: Unit = UNIT_OF_APPOINTMENTS
    appointment: Appointment | None = None
    extensions: tuple[Extension, ...] = ()
    stops: tuple[Stop, ...] = ()
    outcome: Outcome = ""
    outcome_at: int | None = None
    returned_at: int | None = None
    is_feedback: bool = False

    def has_ended(self, at: int) -> bool:
        """Whether the outcome came at or before this instant."""
        return self.outcome_at is not None and self.outcome_at <= at

    def until(self, at: int) -> int:
        """The outcome, where it came before this instant, or else the instant: up to there the clock may run."""
        return at if self.outcome_at is None else min(self.outcome_at, at)

    def sent(self, at: int) -> Appointment | None:
        """The last term that the source had sent by this instant; None where it had sent none."""
        for extension in reversed(self.extensions):
            if extension.appointment.at <= at:
                return extension.appointment
        return self.appointed(at)

    def appointed(self, at: int) -> Appointment | None:
        """The original appointment, where it had been made by this instant."""
        return self.appointment if self.appointment is not None and self.appointment.at <= at else None
