"""The history of a case for the rules of being on time: a pure function of its registers."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from schemas.working_time.calendar import Calendar
from streams.counting.begin_and_end import begin_of, end_of
from streams.counting.registers import Register, Registers, outcome
from streams.on_time.clock_stops import Stop, StopKind
from streams.on_time.history import UNIT_OF_APPOINTMENTS, Appointment, Extension, History
from streams.on_time.promise import Promise
from streams.on_time.ruling import Ruling

Promises: TypeAlias = Callable[[str, str, int], Promise | None]
"""What a procedure promises for a channel and an instant of reception; None where nothing."""

POSTING_REASONS = frozenset({"land posting", "niêm yết công khai"})
"""Reasons of a pause, in small letters, that make it the public posting of a land procedure."""

_STOPS: tuple[tuple[str, str, StopKind], ...] = (
    ("supplement", "answer", "supplement"),
    ("obligation", "settlement", "obligation"),
    ("pause", "resumption", "pause"),
)
MOVING = frozenset({"extension", *(begins for begins, _, _ in _STOPS)})
"""Names of the registers that may move a term."""

_Numbered: TypeAlias = Mapping[str, list[tuple[int, str]]]


def history_of(
    registers: Registers,
    calendar: Calendar,
    promises: Promises = lambda _procedure, _channel, _received_at: None,
    posting_reasons: Collection[str] = POSTING_REASONS,
) -> History | None:
    """The history of this case by the calendar of its agency; None while its reception is missing, or it is void."""
    found = ruled_history(registers, Ruling(lambda _agency: calendar, promises), posting_reasons)
    return found and found[0]


def ruled_history(
    registers: Registers, ruling: Ruling, posting_reasons: Collection[str] = POSTING_REASONS
) -> tuple[History, Calendar] | None:
    """The same with the calendar, which is that of the agency that is responsible now."""
    get = registers.get
    intake, void, assignment, term, returned = map(get, ("intake", "void", "assignment", "term", "return"))
    intake = intake or get("feedback")
    if intake is None or (void is not None and void[5][0]):
        return None
    several = [key for key in registers if ":" in key]
    numbered = _numbered(several)
    case_kind, agency, channel, received_at, procedure, _, _ = begin_of(registers, intake, several)
    calendar = ruling.calendar_of(assignment[5][0] if assignment else agency)
    promise = ruling.promise_of(procedure or "", channel, received_at)
    ended, ended_at, _ = end_of(outcome(registers), returned)
    history = History(
        received_at=received_at,
        computed=promise.due(received_at, calendar) if promise else None,
        unit=promise.duration.unit if promise else UNIT_OF_APPOINTMENTS,
        appointment=_appointment(term) if term else None,
        extensions=tuple(
            [
                Extension(_appointment(register), bool(register[5][2]))
                for register in _by_number(registers, numbered, "extension")
            ]
        ),
        stops=tuple(_stops(registers, numbered, received_at, posting_reasons)),
        outcome=ended,  # type: ignore[arg-type]  # the kind of an event that ends a case
        outcome_at=ended_at,
        returned_at=returned[4] if returned else None,
        is_feedback=case_kind == "feedback",
    )
    return history, calendar


def _appointment(register: Register) -> Appointment:
    return Appointment(register[5][0], register[4])


def _numbered(several: Iterable[str]) -> _Numbered:
    """The extensions and stops among these keys, by name: the number of each, and its key."""
    found: dict[str, list[tuple[int, str]]] = {}
    for key in several:
        name, _, number = key.partition(":")
        if name in MOVING:
            found.setdefault(name, []).append((int(number), key))
    return found


def _by_number(registers: Registers, numbered: _Numbered, name: str) -> list[Register]:
    return [registers[key] for _, key in sorted(numbered[name])] if name in numbered else []


def _stops(
    registers: Registers, numbered: _Numbered, received_at: int, posting_reasons: Collection[str]
) -> Iterator[Stop]:
    """The stops since the reception.

    To receive a dossier is to take it as complete: that ends what stopped before, unless the source ended it later.
    """
    for begins, ends, kind in _STOPS:
        for register in _by_number(registers, numbered, begins):
            payload: Any = register[5]
            ended = registers.get(f"{ends}:{payload[0]}")
            start, end = register[4], ended[4] if ended else None
            if start < received_at and (end is None or end <= received_at):
                continue
            is_posting = kind == "pause" and (payload[1] or "").casefold() in posting_reasons
            yield Stop("land posting" if is_posting else kind, max(start, received_at), end)
