"""The fast way to what counters.py says: what one record of a case changes in the windows, with counters packed.

Only the parts that a kind of event can change are computed, straight from the registers. `contributions` of the facts,
before and after, give the same; a property test holds both together.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from schemas.counters import COUNTERS, WINDOW_SECONDS
from schemas.instant import from_micros
from schemas.profile import Profile
from streams.counters import Window
from streams.registers import Register, Registers

Packed: TypeAlias = int
"""All counters of a window in one integer, a lane of 64 bits each: sums and differences of it are those of each."""

_SECOND = 1_000_000
_WINDOW = WINDOW_SECONDS * _SECOND
_DAY = 86_400 * _SECOND
_QUARTER = 900 * _SECOND
_LANE = 64
_BYTES = len(COUNTERS) * _LANE // 8
_ONE = {counter: 1 << _LANE * place for place, counter in enumerate(COUNTERS)}

_Counted: TypeAlias = tuple[int, Packed]
"""An instant in microseconds, and what is counted there."""
_Part: TypeAlias = Callable[[Registers, Profile], Iterable[_Counted]]
_NOTHING: tuple[_Counted, ...] = ()


def lanes(packed: Packed) -> bytes:
    """The counters as little-endian 64-bit integers, in the order of COUNTERS; none may be negative."""
    return packed.to_bytes(_BYTES, "little")


def packed(counts: Iterable[int]) -> Packed:
    """The counters, in the order of COUNTERS, in one integer."""
    return sum(count << _LANE * place for place, count in enumerate(counts))


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
    intake, void, assignment = registers.get("intake"), registers.get("void"), registers.get("assignment")
    if intake is None or (void is not None and void[5][0]):
        return {}
    agency: Any = _amended(registers, intake, "agency", 0) if assignment is None else assignment[5][0]
    found: dict[Window, Packed] = {}
    for part in parts[intake[3]]:
        for at, counted in part(registers, profile):
            window = agency, at // _WINDOW * WINDOW_SECONDS
            found[window] = found.get(window, 0) + counted
    return found


def _amended(registers: Registers, intake: Register, field: str, place: int) -> Any:
    amendment = registers.get(f"amended:{field}")
    return amendment[5][0] if amendment is not None and amendment[:3] > intake[:3] else intake[5][place]


def _received_at(registers: Registers) -> int:
    intake = registers["intake"]
    amendment: Any = registers.get("amended:received_at")
    at: int = amendment[5][0] if amendment is not None and amendment[:3] > intake[:3] else intake[4]
    return at


def _reception(registers: Registers, _: Profile) -> Iterable[_Counted]:
    intake = registers["intake"]
    counted = _ONE["received"]
    channel = _amended(registers, intake, "channel", 1)
    if channel == "online":
        counted += _ONE["received_online"]
    elif channel == "postal":
        counted += _ONE["received_postal"]
    if _amended(registers, intake, "fee_bearing", 4):
        counted += _ONE["fee_bearing"]
        if _is_paid_online(registers):
            counted += _ONE["fee_paid_online"]
    return ((_received_at(registers), counted),)


def _is_paid_online(registers: Registers) -> bool:
    for key, payment in registers.items():
        if key.startswith("payment:"):
            transaction, amount, method, _ = payment[5]
            refund: Any = registers.get(f"refund:{transaction}")
            if method == "online" and (refund[5][1] if refund else 0) < max(amount, 1):  # type: ignore[type-var]
                return True
    return False


def _outcome(registers: Registers, profile: Profile) -> Iterable[_Counted]:
    outcome, returned = registers.get("outcome"), registers.get("return")
    if outcome is None or outcome[3] == "reopened":
        if returned is None or (outcome is not None and returned[:3] <= outcome[:3]):
            return _NOTHING
        kind, at, electronic = "resolved", returned[4], False
    else:
        kind, at, electronic = outcome[3], outcome[4], outcome[3] == "resolved" and bool(outcome[5][0])
    if kind == "feedback_answered":
        kind = "answered"
    if registers["intake"][3] != "received":
        if kind not in ("resolved", "answered"):
            return _NOTHING
        counted = _ONE["feedback_answered"]
        return ((at, counted + _ONE["feedback_on_time"] if _is_on_time(registers, at, profile) else counted),)
    if kind != "resolved":
        return ((at, _ONE[kind]),) if kind in _ONE else _NOTHING
    counted = _ONE["resolved"]
    if electronic:
        counted += _ONE["resolved_electronically"]
    term = _term(registers)
    if term is None:
        return ((at, counted + _ONE["resolved_on_time"]),)
    day, last_day = _local_day(at, profile.zone), _local_day(term, profile.zone)
    if at <= term if profile.terms == "instant" else day <= last_day:
        counted += _ONE["resolved_on_time"]
    if day < last_day:
        counted += _ONE["resolved_early"]
    return ((at, counted),)


def _is_on_time(registers: Registers, at: int, profile: Profile) -> bool:
    term = _term(registers)
    if term is None:
        return True
    if profile.terms == "instant":
        return at <= term
    return _local_day(at, profile.zone) <= _local_day(term, profile.zone)


def _term(registers: Registers) -> Any:
    extensions = [
        (register[5][1], register[5][0]) for key, register in registers.items() if key.startswith("extension:")
    ]
    if extensions:
        return max(extensions)[1]
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
            counted.append((said[4], _ONE["payments"] + online + _ONE["paid_amount"] * amount))  # type: ignore[operator]
    return counted


def _refunds(registers: Registers, _: Profile) -> Iterable[_Counted]:
    return [
        (said[4], _ONE["refunds"] + _ONE["refunded_amount"] * said[5][1])  # type: ignore[operator]
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
    rated, satisfied = _RATED[registers["intake"][3]]
    return ((rating[4], rated + satisfied if rating[5][0] else rated),)


def _feedback(registers: Registers, _: Profile) -> Iterable[_Counted]:
    return ((_received_at(registers), _ONE["feedback_received"]),)


_RATED = {
    "received": (_ONE["rated"], _ONE["satisfied"]),
    "feedback_received": (_ONE["feedback_rated"], _ONE["feedback_satisfied"]),
}


def _parts(dossier: tuple[_Part, ...], feedback: tuple[_Part, ...] = ()) -> Mapping[str, tuple[_Part, ...]]:
    return {"received": dossier, "feedback_received": feedback}


_EVERYTHING = _parts(
    (
        _reception,
        _outcome,
        _returned,
        _extensions,
        _supplements,
        _payments,
        _refunds,
        _digitisation,
        _rating,
    ),
    (_feedback, _outcome, _rating),
)
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
    "returned": _parts((_outcome, _returned), (_outcome,)),
    "paid": _parts((_reception, _payments)),
    "refunded": _parts((_reception, _refunds)),
    "digitised": _parts((_digitisation,)),
    "rated": _parts((_rating,), (_rating,)),
    "amended": _EVERYTHING,
    "voided": _EVERYTHING,
}
"""The parts of what a case counts that an event of each kind can change, by what the case was received as."""
