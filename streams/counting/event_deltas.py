"""What merging one event into a case changes in the windows, with counters packed: the fast way to `contributions`.

Only the parts that an event of its kind can change are computed, from the registers and the sums over the numbered
ones. The difference of `contributions` before and after gives the same; a property test compares the two.
"""

from schemas.counters import WINDOW_SECONDS
from streams.counting.case import Case
from streams.counting.contributions import Window
from streams.counting.delta_parts import (
    EVERYTHING,
    ONLY_MEASURING,
    PARTS_OF,
    PartsByReception,
    agency_of,
    is_void,
    may_count,
)
from streams.counting.identity import Identity
from streams.counting.packed_counters import Packed
from streams.counting.registers import Register, Registers, reception

_WINDOW = WINDOW_SECONDS * 1_000_000


def apply_updates(
    case: Case, changed: tuple[tuple[str, Register], ...], kind: str, identity: Identity
) -> dict[Window, Packed]:
    """Merge what an event of this kind changes into the case; returns what that adds to windows, where anything."""
    parts = PARTS_OF[kind]
    if not parts:
        case.put(changed)
        return {}
    key, registers = changed[0][0], case.registers
    moves = parts is EVERYTHING and bool(registers)
    agency = _counting_agency(registers) if moves else ""
    counts = may_count(kind, key, registers)
    before = _contributions(case, key, parts, identity) if counts else {}
    case.put(changed)
    if not counts and kind in ONLY_MEASURING:
        return {}
    after = _contributions(case, key, parts, identity)
    if before:
        delta = {window: amount for window, new in after.items() if (amount := new - before.get(window, 0))}
        for window, old in before.items():
            if window not in after:
                delta[window] = -old
    else:
        delta = after
    if moves and (now := _counting_agency(case.registers)) != agency:
        _move(delta, case, agency, now)
    return delta


def _counting_agency(registers: Registers) -> str:
    """The agency for which the case counts as a dossier; empty where it counts for none."""
    intake = registers.get("intake")
    return "" if intake is None or is_void(registers) else agency_of(registers, intake)


def _move(delta: dict[Window, Packed], case: Case, before: str, after: str) -> None:
    """Move what the numbered registers count from one agency to another; an empty one counts nothing."""
    for start, amount in case.sums.windows.items():
        if before:
            window = before, start
            delta[window] = delta.get(window, 0) - amount
        if after:
            window = after, start
            delta[window] = delta.get(window, 0) + amount


def _contributions(case: Case, key: str, parts: PartsByReception, identity: Identity) -> dict[Window, Packed]:
    registers = case.registers
    intake = reception(registers)
    if intake is None or is_void(registers):
        return {}
    of_kind = parts[intake[3]]
    if len(of_kind) == 1:
        every = of_kind[0](case, key, identity)
    else:
        every = [each for part in of_kind for each in part(case, key, identity)]
    if not every:
        return {}
    agency = agency_of(registers, intake)
    if len(every) == 1:
        ((at, amount),) = every
        return {(agency, at // _WINDOW * WINDOW_SECONDS): amount}
    found: dict[Window, Packed] = {}
    for at, amount in every:
        window = agency, at // _WINDOW * WINDOW_SECONDS
        found[window] = found.get(window, 0) + amount
    return found
