"""The life of a case by a law: how it stands by each rule at any instant, and at which instants that may change."""

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct, field

from chaos.oracle.event_content import micros
from chaos.oracle.law import Law
from chaos.oracle.on_time import Promised, RuleName, Versions, maximum, standing
from chaos.oracle.replay import State
from chaos.oracle.working_days import WorkingDays

_MOVING = (
    *("supplement_requested", "supplement_answered", "obligation_set", "obligation_met", "paused", "resumed"),
    "extended",
)


class Life(Struct, frozen=True, dict=True):
    """A case that has been replayed, and what decides on it."""

    state: State
    law: Law
    agreed: set[object] = field(default_factory=set)
    """Rows that were found to agree with it at every instant: schedules of one log end with the same rows."""

    @property
    def is_judged(self) -> bool:
        """Whether it was received and is not void: of others, nothing is said."""
        return bool(self.state.reception) and not self.state.voided

    @property
    def computed(self) -> int | None:
        """The term that its procedure promises, where the source sent none at all."""
        if not self.is_judged or self.state.appointment or self.state.numbered["extended"]:
            return None
        days, promise, _ = self._decides
        return maximum(self.received, promise, days)

    @property
    def received(self) -> int:
        """When it was received."""
        return micros(self.state.reception["received_at"])

    def standing(self, rule: RuleName, at: int) -> str | None:
        """How it stands by a rule as it was at an instant."""
        days, promise, versions = self._decides
        return standing(rule, self.state, at, promise, days, versions)

    @cached_property
    def is_moved(self) -> bool:
        """Whether anything may have moved its term: a stop, an extension, or an appointment after the reception."""
        if not self.is_judged:
            return False
        if any(self.state.numbered[kind] for kind in _MOVING):
            return True
        appointment = self.state.appointment
        return appointment is not None and micros(appointment.occurred_at) > self.received

    @cached_property
    def instants(self) -> tuple[int, ...]:
        """The instants that its events tell of, from its reception on."""
        return tuple(sorted({self.received, *(at for at in self._told() if at > self.received)}))

    @cached_property
    def _decides(self) -> tuple[WorkingDays, Promised | None, Versions]:
        reception, law = self.state.reception, self.law
        days = law.days_of(self.state.responsible or reception["agency"])
        promise = law.promised(reception.get("procedure") or "", reception["channel"], self.received)
        return days, promise, law.versions(days.known(self.received))

    def _told(self) -> Iterator[int]:
        state = self.state
        for kind in _MOVING:
            for event in state.numbered[kind].values():
                yield micros(event.occurred_at)
                if kind == "extended":
                    yield micros(event.term)
        if state.appointment is not None:
            yield micros(state.appointment.occurred_at)
            yield micros(state.appointment.term)
        yield from (at for at in (state.outcome_at, state.returned_at) if at is not None)
