"""The life of one simulated case: all of its events, and when each arrives."""

from collections.abc import Callable
from math import inf
from random import Random
from typing import Any, NamedTuple

from connectors.simulator.administration import Administration
from connectors.simulator.office_calendar import CITY, Calendar, instant
from connectors.simulator.procedure_catalogue import VersionedCatalogue
from connectors.simulator.simulation_plan import (
    GATEWAYS,
    STEPS,
    UNITS,
    Agencies,
    Catalogue,
    Offices,
    Plan,
    Procedure,
    Procedures,
    spread,
)
from schemas.events import (
    Amended,
    Assigned,
    Channel,
    Digitised,
    Event,
    Extended,
    FeedbackAnswered,
    FeedbackReceived,
    ObligationMet,
    ObligationSet,
    Paid,
    Paused,
    Progressed,
    Rated,
    Received,
    Refunded,
    Refused,
    Reopened,
    Resolved,
    Resumed,
    Returned,
    Stopped,
    SupplementAnswered,
    SupplementRequested,
    TermSet,
    Transferred,
    Voided,
    Withdrawn,
)


class Arrival(NamedTuple):
    """An event and when it arrives, in seconds since 1970; ties are broken by case and order, never by the event."""

    at: float
    case: int
    order: int
    event: Event


class World:
    """What all simulated cases share."""

    def __init__(self, plan: Plan, calendar: Calendar) -> None:
        self.plan = plan
        self.calendar = calendar
        self.agencies: Offices
        self.catalogue: Procedures
        if plan.tree:
            self.agencies = administration = Administration(plan.agencies)
            self.catalogue = VersionedCatalogue(administration)
        else:
            self.agencies, self.catalogue = Agencies(plan.agencies), Catalogue()

    def dossier(self, number: int, received: float, channel: Channel) -> list[Arrival]:
        """The life of dossier `number`, received at this instant; sorted by arrival, which is never before it."""
        return _Life(self, number, received).dossier(channel)

    def feedback(self, number: int, received: float) -> list[Arrival]:
        """The life of a feedback."""
        return _Life(self, number, received).feedback()


class _Life:
    def __init__(self, world: World, number: int, received: float) -> None:
        self.plan = world.plan
        self.calendar = world.calendar
        self.after = world.calendar.after
        self.agencies = world.agencies
        self.catalogue = world.catalogue
        self.number = number
        self.received = received
        # Every case has its own random generator, so that no case changes another.
        self.random = Random(world.plan.seed * 1_000_003 + number)  # noqa: S311
        self.draw: Callable[[], float] = self.random.random
        self.agency = self.responsible = world.agencies.pick(self.draw(), received)
        day = instant(received).astimezone(CITY)
        self.id = f"{self.agency}-{day:%y%m%d}-{number:06d}"
        self.arrivals: list[Arrival] = []
        self.recorded = 0

    def record(self, kind: type[Event], at: float, *, recorded_at: float | None = None, **fields: Any) -> None:
        """Record an event; `recorded_at` is when the source does so, where that is later than the occurrence."""
        self.recorded += 1
        event = kind(
            id=f"{self.id}-{self.recorded}",
            dossier=self.id,
            source=self.plan.source,
            occurred_at=instant(at),
            recorded_at=None if recorded_at is None else instant(recorded_at),
            seq=self.recorded,
            **fields,
        )
        due = self.calendar.delay(at if recorded_at is None else recorded_at, self._lag())
        self.arrivals.append(Arrival(due, self.number, 2 * self.recorded, event))
        if self.draw() < self.plan.duplicates:
            again = self.calendar.delay(due, self.draw() * 7200)
            self.arrivals.append(Arrival(again, self.number, 2 * self.recorded + 1, event))

    def _lag(self) -> float:
        """Seconds until an event arrives: mostly soon, sometimes after later ones, rarely after days."""
        draw = self.draw()
        if draw < 0.93:
            return 1 + draw * 10
        return (draw - 0.93) * 50_000 if draw < 0.99 else (draw - 0.99) * 1e8

    def _chance(self, share: float) -> bool:
        return self.draw() < share

    def feedback(self) -> list[Arrival]:
        self.record(
            FeedbackReceived, self.received, agency=self.agency, channel="online" if self._chance(0.8) else "direct"
        )
        self.record(TermSet, self.received, term=instant(self.after(self.received, 15)))
        if self._chance(0.9):
            answered = self.after(self.received, 1 + 13 * self.draw() + (10 if self._chance(0.1) else 0))
            self._hand_over(answered)
            self.record(FeedbackAnswered, answered)
            if self._chance(0.5):
                self.record(Rated, self.calendar.delay(answered, 3600 * self.draw()), satisfied=self._chance(0.8))
        else:
            self._hand_over(inf)
        return sorted(self.arrivals)

    def dossier(self, channel: Channel) -> list[Arrival]:
        procedure = self.catalogue.pick(self.draw(), self.agency, self.received, channel)
        is_late = spread(self.number, self.plan.seed, 1) < round(self.plan.late * 1000)
        term = self._term(procedure)
        self._reception(channel, procedure, term)
        begun = self._interludes(procedure)
        if is_late:
            ended = self.after(max(term, begun), 0.05 + self.random.expovariate(0.5))
            if self._chance(0.5):
                # An apology comes with a new term, and the new term is missed as well.
                new = self.after(term, (0.02 + 0.9 * self.draw()) * 0.05)
                self.record(Extended, self.after(self.received, procedure.days * 0.95), term=instant(new), apology=True)
        else:
            ended = self.after(self.received, procedure.days * (0.15 + 0.83 * self.draw()))
            if begun > ended:
                ended = self.after(begun, 0.1)
                new = max(self.after(ended, 1), term)
                self.record(Extended, begun, term=instant(new), apology=self._chance(0.8), reason="chờ bổ sung")
        self._steps(begun, ended)
        self._hand_over(ended)
        is_resolved = is_late or not self._chance(0.08)
        if is_resolved:
            self._resolved(ended, channel)
        else:
            self._not_resolved(ended)
        self._corrections(ended, channel, is_late=is_late, is_resolved=is_resolved)
        return sorted(self.arrivals)

    def _term(self, procedure: Procedure) -> float:
        if procedure.calendar_days:
            # A term of calendar days never ends while offices are closed.
            return self.after(self.calendar.delay(self.received, 86_400 * procedure.calendar_days), 0)
        return self.after(self.received, procedure.days)

    def _hand_over(self, by: float, reopened: float = 0.0) -> None:
        """Transfer the dossier to the successor of its agency, if that ended by then: at once, or when reopened."""
        handover = self.agencies.handover(self.responsible, self.number, self.plan.seed)
        if handover is not None and handover.at <= by:
            at = max(handover.at, reopened)
            self.record(Transferred, at, agency=handover.successor, previous_agency=self.responsible)
            self.responsible = handover.successor

    def _official(self, unit: int) -> str | None:
        return self.agencies.official(self.responsible, unit, self.draw)

    def _reception(self, channel: Channel, procedure: Procedure, term: float) -> None:
        bears_fee = procedure.fee > 0 and self._chance(0.9)
        is_elsewhere = self._chance(self.agencies.elsewhere)
        elsewhere = self.agencies.receiver(self.draw(), self.received) if is_elsewhere else None
        self.record(
            Received,
            self.received,
            agency=self.agency,
            channel=channel,
            procedure=procedure.code,
            receiver=elsewhere if elsewhere != self.agency else None,
            fee_bearing=bears_fee,
        )
        self.record(TermSet, self.received, term=instant(term))
        if self._chance(0.5):
            assigned = self.after(self.received, 0.05)
            self._hand_over(assigned)
            self.record(Assigned, assigned, agency=self.responsible, unit=UNITS[1], official=self._official(1))
        if bears_fee:
            self._payment(channel, procedure.fee)
        if self._chance(0.65):
            components = 2 + int(self.draw() * 6)
            digitised = int(self.draw() * (components + 1))
            reused = int(self.draw() * (components - digitised + 1))
            at = self.after(self.received, 0.1)
            self.record(Digitised, at, components=components, digitised=digitised, reused=reused)

    def _payment(self, channel: Channel, fee: int) -> None:
        online = self._chance(0.85 if channel == "online" else 0.2)
        method = "online" if online else "cash" if self._chance(0.8) else "transfer"
        gateway = GATEWAYS[int(self.draw() * 3)] if online else None
        paid = self.calendar.delay(self.received, 60 + 1800 * self.draw())
        transaction = f"T{self.id}"
        self.record(Paid, paid, transaction=transaction, amount=fee, method=method, gateway=gateway)
        if self._chance(0.01):
            back = fee if self._chance(0.7) else fee // 2
            self.record(Refunded, self.after(paid, 1), transaction=transaction, amount=back)

    def _interludes(self, procedure: Procedure) -> float:
        """Records suspensions; returns when the last of them is over."""
        at = self.after(self.received, 0.2)
        number = 0
        while number < 2 and self._chance(0.08 if number == 0 else 0.15):
            number += 1
            self.record(SupplementRequested, at, number=number, reason="thiếu thành phần hồ sơ")
            at = self.after(at, 0.3 + 4 * self.draw())
            self.record(SupplementAnswered, at, number=number)
        if procedure.obligation and self._chance(0.5):
            self.record(ObligationSet, at, amount=1_000_000 + int(self.draw() * 100) * 50_000)
            at = self.after(at, 0.5 + 3 * self.draw())
            self.record(ObligationMet, at)
        if self._chance(0.01):
            self.record(Paused, at, reason="niêm yết công khai")
            at = self.after(at, 5)
            self.record(Resumed, at)
        if self._chance(0.02):
            new = self.agencies.pick(self.draw(), at)
            self._hand_over(at)
            if new != self.responsible:
                self.record(Transferred, at, agency=new, previous_agency=self.responsible)
                self.responsible = new
        return at

    def _steps(self, begun: float, ended: float) -> None:
        count = 2 + int(self.draw() * 3)
        for number in range(count):
            at = self.after(begun, 0) if ended <= begun else begun + (ended - begun) * number / count
            done, unit = self.after(at, 0), number % 4
            self._hand_over(done)
            self.record(Progressed, done, step=STEPS[number], unit=UNITS[unit], official=self._official(unit))

    def _resolved(self, ended: float, channel: Channel) -> None:
        self.record(Resolved, ended, e_result=self._chance(0.7))
        if self._chance(0.9):
            handed = self.calendar.delay(ended, 60) if channel == "online" else self.after(ended, 1.5 * self.draw())
            self.record(Returned, handed)
            if self._chance(0.3):
                satisfied = self._chance(0.95)
                score = 4 + self._chance(0.6) if satisfied else 1 + int(self.draw() * 3)
                self.record(Rated, self.calendar.delay(handed, 86_400 * self.draw()), satisfied=satisfied, score=score)

    def _not_resolved(self, ended: float) -> None:
        draw = self.draw()
        if draw < 0.45:
            self.record(Withdrawn, ended, reason="công dân rút hồ sơ")
        elif draw < 0.85:
            self.record(Refused, ended, reason="không đủ điều kiện")
        else:
            self.record(Stopped, ended, reason="không bổ sung đúng hạn")

    def _corrections(self, ended: float, channel: Channel, *, is_late: bool, is_resolved: bool) -> None:
        """Corrections of earlier events; none of them changes whether a dossier is late."""
        draw = self.draw()
        later = self.after(ended, 0.2 + 8 * self.draw())
        if draw < 0.01:
            new: Channel = "direct" if channel == "online" else "online"
            self.record(Amended, later, channel=new)
        elif draw < 0.02 and is_resolved:
            # The result was ready earlier than recorded.
            self.record(Resolved, self.calendar.delay(ended, -600), recorded_at=later, e_result=True)
        elif draw < 0.05 and is_late:
            self.record(Reopened, later, reason="kết quả bị thu hồi")
            self._hand_over(later, reopened=later)
            self.record(Resolved, self.after(later, 2), e_result=True)
        elif draw < 0.022 and not is_late:
            self.record(Voided, later, reason="nhập trùng")
