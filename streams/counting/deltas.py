"""The fast way to what counters.py says: what one record of a case changes in the windows, with counters packed.

Only the parts that a kind of event can change are computed, from the registers and the sums over those that a case has
several of. `contributions` of the facts, before and after, give the same; a property test holds both together.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias, get_args
from zoneinfo import ZoneInfo

from schemas.counters import WINDOW_SECONDS
from schemas.events import Channel
from schemas.instant import from_micros
from schemas.profile import Profile
from streams.counting.case import Case, counted
from streams.counting.contributions import Window
from streams.counting.packed_counters import ONE, Packed
from streams.counting.registers import Register, Registers, outcome, reception

_SECOND = 1_000_000
_WINDOW = WINDOW_SECONDS * _SECOND
_DAY = 86_400 * _SECOND
_QUARTER = 900 * _SECOND

_Counted: TypeAlias = tuple[int, Packed]
"""An instant in microseconds, and what is counted there."""
_Part: TypeAlias = Callable[[Case, str, Profile], Iterable[_Counted]]
"""A part of what a case counts, where this register changes."""
_NOTHING: tuple[_Counted, ...] = ()


def apply_updates(
    case: Case, changed: tuple[tuple[str, Register], ...], kind: str, profile: Profile
) -> dict[Window, Packed]:
    """Put what an event of this kind changed into the case; returns what that adds to windows, where anything."""
    parts = _CHANGED_BY[kind]
    if not parts:
        case.put(changed)
        return {}
    key = changed[0][0]
    moves = parts is _EVERYTHING and bool(case.registers)
    home = _home(case.registers) if moves else ""
    before = _tally(case, key, parts, profile)
    case.put(changed)
    after = _tally(case, key, parts, profile)
    if before:
        delta = {window: amount for window, new in after.items() if (amount := new - before.get(window, 0))}
        for window, old in before.items():
            if window not in after:
                delta[window] = -old
    else:
        delta = after
    if moves and (now := _home(case.registers)) != home:
        _move(delta, case, home, now)
    return delta


def _home(registers: Registers) -> str:
    """The agency for which the case counts as a dossier; empty where for none."""
    return _agency(registers) if "intake" in registers and not _is_void(registers) else ""


def _move(delta: dict[Window, Packed], case: Case, before: str, after: str) -> None:
    """Let what the case has several of count for another agency."""
    for start, amount in case.sums.windows.items():
        if before:
            window = before, start
            delta[window] = delta.get(window, 0) - amount
        if after:
            window = after, start
            delta[window] = delta.get(window, 0) + amount


def _tally(case: Case, key: str, parts: Mapping[str, tuple[_Part, ...]], profile: Profile) -> dict[Window, Packed]:
    registers = case.registers
    intake = reception(registers)
    if intake is None:
        return {}
    every = [each for part in parts[intake[3]] for each in part(case, key, profile)]
    if not every or _is_void(registers):
        return {}
    agency = _agency(registers)
    if len(every) == 1:
        return {(agency, every[0][0] // _WINDOW * WINDOW_SECONDS): every[0][1]}
    found: dict[Window, Packed] = {}
    for at, amount in every:
        window = agency, at // _WINDOW * WINDOW_SECONDS
        found[window] = found.get(window, 0) + amount
    return found


def _is_void(registers: Registers) -> bool:
    void = registers.get("void")
    return void is not None and bool(void[5][0])


def _agency(registers: Registers) -> str:
    assignment = registers.get("assignment")
    agency: str = _said(registers, "amended:agency", 0) if assignment is None else assignment[5][0]
    return agency


def _said(registers: Registers, amended: str, place: int) -> Any:
    """What the reception says in this place of its payload, unless that was amended later."""
    intake: Any = reception(registers)
    amendment = registers.get(amended)
    return intake[5][place] if amendment is None or amendment[:3] <= intake[:3] else amendment[5][0]


def _received_at(registers: Registers) -> int:
    intake: Any = reception(registers)
    amendment: Any = registers.get("amended:received_at")
    at: int = intake[4] if amendment is None or amendment[:3] <= intake[:3] else amendment[5][0]
    return at


def _reception(case: Case, _: str, __: Profile) -> Iterable[_Counted]:
    registers = case.registers
    channel, bears_fee = _said(registers, "amended:channel", 1), _said(registers, "amended:fee_bearing", 4)
    received = _RECEPTIONS[channel, bears_fee, bears_fee and case.sums.kept_online > 0]
    return ((_received_at(registers), received),)


def _outcome(case: Case, _: str, profile: Profile) -> Iterable[_Counted]:
    registers = case.registers
    ended, returned = outcome(registers), registers.get("return")
    if ended is None or ended[3] == "reopened":
        if returned is None or (ended is not None and returned[:3] <= ended[:3]):
            return _NOTHING
        kind, at, electronic = "resolved", returned[4], False
    else:
        kind, at, electronic = ended[3], ended[4], ended[3] == "resolved" and ended[5][0]
    is_answer = "intake" not in registers
    if kind != "resolved" and not (is_answer and kind == "feedback_answered"):
        return ((at, _ENDS[kind]),) if kind in _ENDS and not is_answer else _NOTHING
    term = _term(case)
    on_time, early = True, False
    if term is not None:
        day, last_day = _local_day(at, profile.zone), _local_day(term, profile.zone)
        on_time, early = at <= term if profile.terms == "instant" else day <= last_day, day < last_day
    return ((at, _ANSWERS[on_time] if is_answer else _RESOLUTIONS[on_time, early, electronic]),)


def _implied_outcome(case: Case, key: str, profile: Profile) -> Iterable[_Counted]:
    """The outcome where it may follow from the return."""
    ended = outcome(case.registers)
    return _outcome(case, key, profile) if ended is None or ended[3] == "reopened" else _NOTHING


def _term(case: Case) -> int | None:
    last = case.sums.last_extension
    if last:
        at: int = case.registers[last][5][0]
        return at
    term = case.registers.get("term")
    return None if term is None else term[5][0]


def _local_day(at: int, zone: ZoneInfo) -> int:
    """A number for the local day of this instant; later days have greater ones."""
    # No zone has changed its offset within a quarter of an hour of UTC in this century.
    return (at + _offset(at // _QUARTER, zone)) // _DAY


@lru_cache(65_536)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    offset = from_micros(quarter * _QUARTER).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * _SECOND)


def _returned(case: Case, _: str, __: Profile) -> Iterable[_Counted]:
    returned = case.registers.get("return")
    return ((returned[4], ONE["returned"]),) if returned is not None else _NOTHING


def _numbered(case: Case, key: str, _: Profile) -> Iterable[_Counted]:
    """The one of several that changes: the others count what they did."""
    said = case.registers.get(key)
    return ((said[4], counted(key, said)),) if said is not None else _NOTHING


def _digitisation(case: Case, _: str, __: Profile) -> Iterable[_Counted]:
    said: Any = case.registers.get("digitisation")
    if said is None:
        return _NOTHING
    components, digitised, reused, _result = said[5]
    scanned = ONE["digitisations"] + ONE["components"] * components
    return ((said[4], scanned + ONE["components_digitised"] * digitised + ONE["components_reused"] * reused),)


def _rating(case: Case, _: str, __: Profile) -> Iterable[_Counted]:
    rating = case.registers.get("rating")
    if rating is None:
        return _NOTHING
    rated, satisfied = _RATED["received" if "intake" in case.registers else "feedback_received"]
    return ((rating[4], rated + satisfied if rating[5][0] else rated),)


def _feedback(case: Case, _: str, __: Profile) -> Iterable[_Counted]:
    return ((_received_at(case.registers), ONE["feedback_received"]),)


def _alone(case: Case, key: str, profile: Profile) -> Iterable[_Counted]:
    """All but what there can be several of."""
    every = [*_reception(case, key, profile), *_outcome(case, key, profile)]
    for part in (_returned, _digitisation, _rating) if len(case.registers) > 1 else ():
        every += part(case, key, profile)
    return every


def _combined(**counts: bool) -> Packed:
    return sum(ONE[counter] for counter, holds in counts.items() if holds)


_FLAGS = (False, True)
_RECEPTIONS = {
    (channel, bears_fee, is_paid): _combined(
        received=True,
        received_online=channel == "online",
        received_postal=channel == "postal",
        fee_bearing=bears_fee,
        fee_paid_online=is_paid,
    )
    for channel, bears_fee, is_paid in product(get_args(Channel), _FLAGS, _FLAGS)
}
_RESOLUTIONS = {
    (on_time, early, electronic): _combined(
        resolved=True, resolved_on_time=on_time, resolved_early=early, resolved_electronically=electronic
    )
    for on_time, early, electronic in product(_FLAGS, _FLAGS, _FLAGS)
}
_ANSWERS = {on_time: _combined(feedback_answered=True, feedback_on_time=on_time) for on_time in _FLAGS}
_ENDS = {kind: ONE[kind] for kind in ("withdrawn", "refused", "stopped")}
_RATED = {
    "received": (ONE["rated"], ONE["satisfied"]),
    "feedback_received": (ONE["feedback_rated"], ONE["feedback_satisfied"]),
}


def _parts(dossier: tuple[_Part, ...], feedback: tuple[_Part, ...] = ()) -> Mapping[str, tuple[_Part, ...]]:
    return {"received": dossier, "feedback_received": feedback}


_EVERYTHING = _parts((_alone,), (_feedback, _outcome, _rating))
"""Together with what there is several of, which `_move` moves."""
_OUTCOME = _parts((_outcome,), (_outcome,))
_CHANGED_BY: dict[str, Mapping[str, tuple[_Part, ...]]] = {
    "received": _EVERYTHING,
    "feedback_received": _EVERYTHING,
    "progressed": {},
    "assigned": _EVERYTHING,
    "transferred": _EVERYTHING,
    "term_set": _OUTCOME,
    "extended": _parts((_outcome, _numbered), (_outcome,)),
    "supplement_requested": _parts((_numbered,)),
    "supplement_answered": {},
    "obligation_set": {},
    "obligation_met": {},
    "paused": {},
    "resumed": {},
    "resolved": _OUTCOME,
    "withdrawn": _OUTCOME,
    "refused": _OUTCOME,
    "stopped": _OUTCOME,
    "reopened": _OUTCOME,
    "feedback_answered": _OUTCOME,
    "returned": _parts((_implied_outcome, _returned), (_implied_outcome,)),
    "paid": _parts((_reception, _numbered)),
    "refunded": _parts((_reception, _numbered)),
    "digitised": _parts((_digitisation,)),
    "rated": _parts((_rating,), (_rating,)),
    "amended": _EVERYTHING,
    "voided": _EVERYTHING,
}
"""The parts of what a case counts that an event of each kind can change, by what the case was received as."""
