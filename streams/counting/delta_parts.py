"""The parts of what a case counts, each from the registers and sums that it needs, with counters packed.

An event of a kind can change only some of them (`PARTS_OF`). `contributions` of the facts gives the same as all parts
together; a property test compares the two.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias, get_args

from schemas.deployment_profile import Profile
from schemas.events import Channel
from streams.counting.case import Case, counted
from streams.counting.identity import Identity
from streams.counting.packed_counters import ONE, Packed
from streams.counting.registers import Register, Registers, outcome, reception
from streams.counting.term_place import place_beside
from streams.counting.verdict_steps import last_standings
from streams.on_time.plain_case import ENDED, FIRST, LAST, PLACES, Place, Standings
from streams.on_time.ruling import Ruling

Counted: TypeAlias = tuple[int, Packed]
"""An instant in microseconds, and what is counted there."""
Part: TypeAlias = Callable[[Case, str, Identity], Sequence[Counted]]
"""A part of what a case counts, where the register of this key changes."""
PartsByReception: TypeAlias = Mapping[str, tuple[Part, ...]]
"""Parts by the kind of event that the case was received with."""
_NOTHING: tuple[Counted, ...] = ()
_FINAL = ("resolved", "feedback_answered")
"""Ends that no later return changes."""


def is_void(registers: Registers) -> bool:
    """Whether the case was entered by mistake."""
    void = registers.get("void")
    return void is not None and bool(void[5][0])


def agency_of(registers: Registers, intake: Register) -> str:
    """The agency that is responsible now for a case with this reception."""
    assignment = registers.get("assignment")
    agency: str = _received_value(registers, intake, "amended:agency", 0) if assignment is None else assignment[5][0]
    return agency


def _received_value(registers: Registers, intake: Register, amended: str, place: int) -> Any:
    """The value in this place of the reception's payload, unless it was amended later."""
    amendment = registers.get(amended)
    return intake[5][place] if amendment is None or amendment[:3] <= intake[:3] else amendment[5][0]


def _received_at(registers: Registers, intake: Register) -> int:
    amendment: Any = registers.get("amended:received_at")
    at: int = intake[4] if amendment is None or amendment[:3] <= intake[:3] else amendment[5][0]
    return at


def _reception(case: Case, _: str, __: Identity) -> Sequence[Counted]:
    registers = case.registers
    intake: Any = reception(registers)
    channel = _received_value(registers, intake, "amended:channel", 1)
    bears_fee = _received_value(registers, intake, "amended:fee_bearing", 4)
    received = _RECEPTIONS[channel, bears_fee, bears_fee and case.sums.kept_online > 0]
    return ((_received_at(registers, intake), received),)


def _outcome(case: Case, __: str, identity: Identity) -> Sequence[Counted]:
    registers, profile = case.registers, identity.profile
    ended, returned = outcome(registers), registers.get("return")
    if ended is None or ended[3] == "reopened":
        if returned is None or (ended is not None and returned[:3] <= ended[:3]):
            return _NOTHING
        kind, at, electronic = "resolved", returned[4], False
    else:
        kind, at, electronic = ended[3], ended[4], ended[3] == "resolved" and ended[5][0]
    zone, sums, appointed = identity.zone, case.sums, registers.get("term")
    term: int | None = None if appointed is None else appointed[5][0]
    if sums.last_extension:
        term = registers[sums.last_extension][5][0]
    intake = registers.get("intake")
    if intake is None:
        if kind != "resolved" and kind != "feedback_answered":
            return _NOTHING
        return ((at, _ANSWERS[_is_on_time(place_beside(at, term, zone), profile)]),)
    place = place_beside(at, term, zone)
    computed: int | None = None
    rules: Sequence[int] = ()
    if (
        sums.is_moved
        or (returned is not None and kind != "resolved" and returned[4] > at)
        or (appointed is not None and not _is_plain(registers, intake, appointed, at))
    ):
        computed, rules, _, standings, _ = case.steps(identity.ruling)
    elif term is None:
        computed = _computed(registers, identity.ruling)
    if rules:
        judged = _judged(kind, last_standings(rules, standings))
    else:
        judged = _PLAIN[kind, place if computed is None else place_beside(at, computed, zone)]
    if kind != "resolved":
        return ((at, _ENDS[kind] + judged),)
    return ((at, _RESOLUTIONS[_is_on_time(place, profile), place == "day before", electronic] + judged),)


def _implied_outcome(case: Case, key: str, identity: Identity) -> Sequence[Counted]:
    """The outcome where the return may imply it, or where Decision 766 may measure by the return."""
    ended = outcome(case.registers)
    return _outcome(case, key, identity) if ended is None or ended[3] not in _FINAL else _NOTHING


def _is_on_time(place: Place, profile: Profile) -> bool:
    """Whether an end in this place is on time by the rule of the profile."""
    return place != "day after" and (place != "same day" or profile.terms == "date")


def _is_plain(registers: Registers, intake: Register, appointed: Register, ended: int) -> bool:
    """Whether a dossier that ended, which nothing else moves, held this term from its reception on."""
    set_at, term = appointed[4], appointed[5][0]
    return set_at <= ended and set_at <= _received_at(registers, intake) and FIRST <= term < LAST


def _computed(registers: Registers, ruling: Ruling) -> int | None:
    """What its procedure promises to a dossier to which the source sent no term."""
    intake: Any = registers["intake"]
    procedure = _received_value(registers, intake, "amended:procedure", 2)
    received_at = _received_at(registers, intake)
    promise = ruling.promise_of(procedure or "", _received_value(registers, intake, "amended:channel", 1), received_at)
    return promise.due(received_at, ruling.calendar_of(agency_of(registers, intake))) if promise else None


@lru_cache(256)
def _judged(kind: str, standings: Standings) -> Packed:
    """What the verdicts on a dossier that ended by this kind of event count."""
    by_instant, by_date, by_766, by_form = standings
    return _combined(
        resolved_on_time_by_instant=kind == "resolved" and by_instant == "on time",
        resolved_on_time_by_date=kind == "resolved" and by_date == "on time",
        judged_by_766=True,
        on_time_by_766=by_766 == "on time",
        form_early=by_form == "early",
        form_on_time=by_form == "on time",
    )


def _returned(case: Case, _: str, __: Identity) -> Sequence[Counted]:
    returned = case.registers.get("return")
    return ((returned[4], ONE["returned"]),) if returned is not None else _NOTHING


def _numbered(case: Case, key: str, _: Identity) -> Sequence[Counted]:
    """The numbered register that changes: what the others count stays."""
    register = case.registers.get(key)
    return ((register[4], counted(key, register)),) if register is not None else _NOTHING


def _digitisation(case: Case, _: str, __: Identity) -> Sequence[Counted]:
    register: Any = case.registers.get("digitisation")
    if register is None:
        return _NOTHING
    components, digitised, reused, _result = register[5]
    scanned = ONE["digitisations"] + ONE["components"] * components
    return ((register[4], scanned + ONE["components_digitised"] * digitised + ONE["components_reused"] * reused),)


def _rating(case: Case, _: str, __: Identity) -> Sequence[Counted]:
    rating = case.registers.get("rating")
    if rating is None:
        return _NOTHING
    rated, satisfied = _RATED["received" if "intake" in case.registers else "feedback_received"]
    return ((rating[4], rated + satisfied if rating[5][0] else rated),)


def _feedback(case: Case, _: str, __: Identity) -> Sequence[Counted]:
    intake: Any = reception(case.registers)
    return ((_received_at(case.registers, intake), ONE["feedback_received"]),)


def _unnumbered(case: Case, key: str, identity: Identity) -> Sequence[Counted]:
    """Everything but the numbered registers."""
    if len(case.registers) == 1:
        return _reception(case, key, identity)
    return [each for part in _UNNUMBERED for each in part(case, key, identity)]


_UNNUMBERED: tuple[Part, ...] = (_reception, _outcome, _returned, _digitisation, _rating)


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
_PLAIN = {
    (kind, place): _judged(kind, ENDED[place, kind == "resolved"])
    for kind, place in product((*_ENDS, "resolved"), PLACES)
}
"""What a plain dossier counts by the place of its end beside its term."""
_RATED = {
    "received": (ONE["rated"], ONE["satisfied"]),
    "feedback_received": (ONE["feedback_rated"], ONE["feedback_satisfied"]),
}


def _parts(dossier: tuple[Part, ...], feedback: tuple[Part, ...] = ()) -> PartsByReception:
    return {"received": dossier, "feedback_received": feedback}


EVERYTHING = _parts((_unnumbered,), (_feedback, _outcome, _rating))
"""All parts but the numbered registers, which `deltas` moves by their sums."""
_OUTCOME = _parts((_outcome,), (_outcome,))
_STOP = _parts((_outcome,))
PARTS_OF: dict[str, PartsByReception] = {
    "received": EVERYTHING,
    "feedback_received": EVERYTHING,
    "progressed": {},
    "assigned": EVERYTHING,
    "transferred": EVERYTHING,
    "term_set": _OUTCOME,
    "extended": _parts((_outcome, _numbered), (_outcome,)),
    "supplement_requested": _parts((_outcome, _numbered)),
    "supplement_answered": _STOP,
    "obligation_set": _STOP,
    "obligation_met": _STOP,
    "paused": _STOP,
    "resumed": _STOP,
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
    "amended": EVERYTHING,
    "voided": EVERYTHING,
}
"""The parts that an event of each kind can change."""

_BY_ENDING, _BY_OTHER_ENDING = ("outcome", "reply", "return"), ("outcome",)
_NOTHING_WITHOUT: dict[str, tuple[str, ...]] = {
    kind: _BY_ENDING if _outcome in parts["received"] else ()
    for kind, parts in PARTS_OF.items()
    if parts and not {_unnumbered, _reception}.intersection(parts["received"])
} | {"returned": _BY_OTHER_ENDING}
"""Kinds whose parts count nothing in a case that has neither the register that changes nor one of these."""


def may_count(kind: str, key: str, registers: Registers) -> bool:
    """Whether the parts of this kind may count anything before its register with this key changes."""
    needed = _NOTHING_WITHOUT.get(kind)
    if needed is None or key in registers:
        return True
    if needed is _BY_OTHER_ENDING:
        ended = registers.get("outcome")
        return ended is not None and ended[3] not in _FINAL
    return not registers.keys().isdisjoint(needed)


ONLY_MEASURING = {"term_set", *(kind for kind, parts in PARTS_OF.items() if parts is _STOP)}
"""Kinds that count nothing themselves, but decide how an outcome counts."""
