"""The history of a case for the rules of being on time: a pure function of its registers."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

from schemas.working_time.calendar import Calendar
from streams.counting.facts import facts_of
from streams.counting.registers import Register, Registers
from streams.on_time.clock_stops import Stop, StopKind
from streams.on_time.history import UNIT_OF_APPOINTMENTS, Appointment, Extension, History
from streams.on_time.promise import Promise

Promises: TypeAlias = Callable[[str, str, int], Promise | None]
"""What a procedure promises for a channel and an instant of reception; None where nothing."""

POSTING_REASONS = frozenset({"land posting", "niêm yết công khai"})
"""Reasons of a pause, in small letters, that make it the public posting of a land procedure."""

_STOPS: tuple[tuple[str, str, StopKind], ...] = (
    ("supplement", "answer", "supplement"),
    ("obligation", "settlement", "obligation"),
    ("pause", "resumption", "pause"),
)


def history_of(
    registers: Registers,
    calendar: Calendar,
    promises: Promises = lambda _procedure, _channel, _received_at: None,
    posting_reasons: Collection[str] = POSTING_REASONS,
) -> History | None:
    """The history of this case by the calendar of its agency; None while its reception is missing, or it is void."""
    facts = facts_of(registers)
    if facts.received_at is None or facts.voided:
        return None
    promise = promises(facts.procedure, facts.channel, facts.received_at)
    term = registers.get("term")
    return History(
        received_at=facts.received_at,
        computed=promise.due(facts.received_at, calendar) if promise else None,
        unit=promise.duration.unit if promise else UNIT_OF_APPOINTMENTS,
        appointment=_appointment(term) if term else None,
        extensions=tuple(
            Extension(_appointment(register), bool(register[5][2])) for register in _by_number(registers, "extension")
        ),
        stops=tuple(_stops(registers, facts.received_at, posting_reasons)),
        outcome=facts.outcome,
        outcome_at=facts.outcome_at,
        returned_at=facts.returned_at,
        is_feedback=facts.case_kind == "feedback",
    )


def _appointment(register: Register) -> Appointment:
    return Appointment(register[5][0], register[4])


def _by_number(registers: Registers, name: str) -> list[Register]:
    found = [
        (int(key.partition(":")[2]), register) for key, register in registers.items() if key.startswith(f"{name}:")
    ]
    return [register for _, register in sorted(found, key=lambda numbered: numbered[0])]


def _stops(registers: Registers, received_at: int, posting_reasons: Collection[str]) -> Iterator[Stop]:
    """The stops since the reception.

    To receive a dossier is to take it as complete: that ends what stopped before, unless the source ended it later.
    """
    for begins, ends, kind in _STOPS:
        for register in _by_number(registers, begins):
            payload: Any = register[5]
            ended = registers.get(f"{ends}:{payload[0]}")
            start, end = register[4], ended[4] if ended else None
            if start < received_at and (end is None or end <= received_at):
                continue
            is_posting = kind == "pause" and (payload[1] or "").casefold() in posting_reasons
            yield Stop("land posting" if is_posting else kind, max(start, received_at), end)
