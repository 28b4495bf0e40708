"""The fast way to what counters.py says: what one record of a case changes in the windows, with counters packed.

Only the parts that a kind of event can change are computed, straight from the registers. `contributions` of the facts,
before and after, give the same; a property test holds both together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from struct import Struct
from typing import Any, TypeAlias, get_args
from zoneinfo import ZoneInfo

from schemas.counters import COUNTERS, WINDOW_SECONDS
from schemas.events import Channel
from schemas.instant import from_micros
from schemas.profile import Profile
from streams.counters import Window
from streams.registers import Register, Registers, outcome, reception

Packed: TypeAlias = int
"""All counters of a window in one integer, a lane of 64 bits each: sums and differences of it are those of each."""

_SECOND = 1_000_000
_WINDOW = WINDOW_SECONDS * _SECOND
_DAY = 86_400 * _SECOND
_QUARTER = 900 * _SECOND
_LANE = 64
_LANES = Struct(f"<{len(COUNTERS)}q")
_ONE = {counter: 1 << _LANE * place for place, counter in enumerate(COUNTERS)}

_Counted: TypeAlias = tuple[int, Packed]
"""An instant in microseconds, and what is counted there."""
_Part: TypeAlias = Callable[[Registers, Profile], Iterable[_Counted]]
_NOTHING: tuple[_Counted, ...] = ()


def packed(counts: Sequence[int]) -> Packed:
    """The counters, in the order of COUNTERS, in one integer."""
    return int.from_bytes(_LANES.pack(*counts), "little")


def unpacked(packed: Packed) -> tuple[int, ...]:
    """The counters, in the order of COUNTERS; none may be negative."""
    return _LANES.unpack(packed.to_bytes(_LANES.size, "little"))


def change(
    registers: dict[str, Register], changed: Iterable[tuple[str, Register]], kind: str, profile: Profile
) -> dict[Window, Packed]:
    """Put what an event of this kind changed into the registers; returns what that adds to windows, where anything."""
    parts = _CHANGED_BY[kind]
    if not parts:
        registers.update(changed)
        return {}
    before = _tally(registers, parts, profile)
    registers.update(changed)
    after = _tally(registers, parts, profile)
    if not before:
        return after
    delta = {window: amount for window, new in after.items() if (amount := new - before.get(window, 0))}
    for window, old in before.items():
        if window not in after:
            delta[window] = -old
    return delta


def _tally(registers: Registers, parts: Mapping[str, tuple[_Part, ...]], profile: Profile) -> dict[Window, Packed]:
    intake = reception(registers)
    if intake is None:
        return {}
    counted = [each for part in parts[intake[3]] for each in part(registers, profile)]
    if not counted:
        return {}
    void, assignment = registers.get("void"), registers.get("assignment")
    if void is not None and void[5][0]:
        return {}
    agency = _said(registers, "amended:agency", 0) if assignment is None else assignment[5][0]
    if len(counted) == 1:
        return {(agency, counted[0][0] // _WINDOW * WINDOW_SECONDS): counted[0][1]}
    found: dict[Window, Packed] = {}
    for at, amount in counted:
        window = agency, at // _WINDOW * WINDOW_SECONDS
        found[window] = found.get(window, 0) + amount
    return found


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


def _reception(registers: Registers, _: Profile) -> Iterable[_Counted]:
    channel, bears_fee = _said(registers, "amended:channel", 1), _said(registers, "amended:fee_bearing", 4)
    counted = _RECEPTIONS[channel, bears_fee, bears_fee and _is_paid_online(registers)]
    return ((_received_at(registers), counted),)


def _is_paid_online(registers: Registers) -> bool:
    for key, payment in registers.items():
        if key.startswith("payment:"):
            transaction, amount, method, _ = payment[5]
            refund: Any = registers.get(f"refund:{transaction}")
            if method == "online" and (refund[5][1] if refund else 0) < max(amount, 1):
                return True
    return False


def _outcome(registers: Registers, profile: Profile) -> Iterable[_Counted]:
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
    term = _term(registers)
    on_time, early = True, False
    if term is not None:
        day, last_day = _local_day(at, profile.zone), _local_day(term, profile.zone)
        on_time, early = at <= term if profile.terms == "instant" else day <= last_day, day < last_day
    return ((at, _ANSWERS[on_time] if is_answer else _RESOLUTIONS[on_time, early, electronic]),)


def _implied_outcome(registers: Registers, profile: Profile) -> Iterable[_Counted]:
    """The outcome where it may follow from the return."""
    ended = outcome(registers)
    return _outcome(registers, profile) if ended is None or ended[3] == "reopened" else _NOTHING


def _term(registers: Registers) -> int | None:
    extensions = [(register[5][1], register[5][0]) for key, register in registers.items() if key[:10] == "extension:"]
    if extensions:
        at: int = max(extensions)[1]
        return at
    term = registers.get("term")
    return None if term is None else term[5][0]


def _local_day(at: int, zone: ZoneInfo) -> int:
    """A number for the local day of this instant; later days have greater ones."""
    # No zone has changed its offset within a quarter of an hour of UTC in this century.
    return (at + _offset(at // _QUARTER, zone)) // _DAY


@lru_cache(65_536)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    offset = from_micros(quarter * _QUARTER).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * _SECOND)


def _returned(registers: Registers, _: Profile) -> Iterable[_Counted]:
    returned = registers.get("return")
    return ((returned[4], _ONE["returned"]),) if returned is not None else _NOTHING


def _extensions(registers: Registers, _: Profile) -> Iterable[_Counted]:
    return [(said[4], _ONE["extensions"]) for key, said in registers.items() if key.startswith("extension:")]


def _supplements(registers: Registers, _: Profile) -> Iterable[_Counted]:
    return [(said[4], _ONE["supplements"]) for key, said in registers.items() if key.startswith("supplement:")]


def _payments(registers: Registers, _: Profile) -> Iterable[_Counted]:
    counted: list[_Counted] = []
    for key, said in registers.items():
        if key.startswith("payment:"):
            _transaction, amount, method, _gateway = said[5]
            online = _ONE["payments_online"] if method == "online" else 0
            counted.append((said[4], _ONE["payments"] + online + _ONE["paid_amount"] * amount))
    return counted


def _refunds(registers: Registers, _: Profile) -> Iterable[_Counted]:
    return [
        (said[4], _ONE["refunds"] + _ONE["refunded_amount"] * said[5][1])
        for key, said in registers.items()
        if key.startswith("refund:")
    ]


def _digitisation(registers: Registers, _: Profile) -> Iterable[_Counted]:
    said: Any = registers.get("digitisation")
    if said is None:
        return _NOTHING
    components, digitised, reused, _result = said[5]
    counted = _ONE["digitisations"] + _ONE["components"] * components
    return ((said[4], counted + _ONE["components_digitised"] * digitised + _ONE["components_reused"] * reused),)


def _rating(registers: Registers, _: Profile) -> Iterable[_Counted]:
    rating = registers.get("rating")
    if rating is None:
        return _NOTHING
    rated, satisfied = _RATED["received" if "intake" in registers else "feedback_received"]
    return ((rating[4], rated + satisfied if rating[5][0] else rated),)


def _feedback(registers: Registers, _: Profile) -> Iterable[_Counted]:
    return ((_received_at(registers), _ONE["feedback_received"]),)


def _everything(registers: Registers, profile: Profile) -> Iterable[_Counted]:
    counted = [*_reception(registers, profile), *_outcome(registers, profile)]
    for part in _SINGLE if len(registers) > 1 else ():
        counted += part(registers, profile)
    # Most cases have nothing that there can be several of.
    for part in _SEVERAL if any(":" in key for key in registers) else ():
        counted += part(registers, profile)
    return counted


_SINGLE: tuple[_Part, ...] = (_returned, _digitisation, _rating)
_SEVERAL: tuple[_Part, ...] = (_extensions, _supplements, _payments, _refunds)


def _combined(**counts: bool) -> Packed:
    return sum(_ONE[counter] for counter, holds in counts.items() if holds)


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
_ENDS = {kind: _ONE[kind] for kind in ("withdrawn", "refused", "stopped")}
_RATED = {
    "received": (_ONE["rated"], _ONE["satisfied"]),
    "feedback_received": (_ONE["feedback_rated"], _ONE["feedback_satisfied"]),
}


def _parts(dossier: tuple[_Part, ...], feedback: tuple[_Part, ...] = ()) -> Mapping[str, tuple[_Part, ...]]:
    return {"received": dossier, "feedback_received": feedback}


_EVERYTHING = _parts((_everything,), (_feedback, _outcome, _rating))
_OUTCOME = _parts((_outcome,), (_outcome,))
_CHANGED_BY: dict[str, Mapping[str, tuple[_Part, ...]]] = {
    "received": _EVERYTHING,
    "feedback_received": _EVERYTHING,
    "progressed": {},
    "assigned": _EVERYTHING,
    "transferred": _EVERYTHING,
    "term_set": _OUTCOME,
    "extended": _parts((_outcome, _extensions), (_outcome,)),
    "supplement_requested": _parts((_supplements,)),
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
    "paid": _parts((_reception, _payments)),
    "refunded": _parts((_reception, _refunds)),
    "digitised": _parts((_digitisation,)),
    "rated": _parts((_rating,), (_rating,)),
    "amended": _EVERYTHING,
    "voided": _EVERYTHING,
}
"""The parts of what a case counts that an event of each kind can change, by what the case was received as."""
