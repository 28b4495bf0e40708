"""How a case began and how it ended: what its facts and its history both need of its registers."""

from collections.abc import Sequence
from typing import Any

from schemas.events import PAYLOAD_FIELDS, Value
from streams.counting.registers import Register, Registers

_AMENDED = PAYLOAD_FIELDS["amended"]


def begin_of(registers: Registers, intake: Register | None, several: Sequence[str]) -> tuple[Any, ...]:
    """Kind of the case, agency at the reception, channel, instant, procedure, receiver, and whether it bears a fee.

    `several` are the keys of registers that have a colon.
    """
    if intake is None:
        return "", "", "", None, None, None, False
    agency, channel, *rest = intake[5]
    procedure, receiver, fee_bearing = rest or (None, None, False)
    case_kind, received_at = "dossier" if intake[3] == "received" else "feedback", intake[4]
    for field in _AMENDED if any(key.startswith("amended:") for key in several) else ():
        amendment: Any = registers.get(f"amended:{field}")
        if amendment is None or amendment[:3] <= intake[:3]:
            continue
        value = amendment[5][0]
        if field == "agency":
            agency = value
        elif field == "channel":
            channel = value
        elif field == "received_at":
            received_at = value
        elif field == "procedure":
            procedure = value
        else:
            fee_bearing = value
    return case_kind, agency, channel, received_at, procedure, receiver, fee_bearing


def end_of(ended: Register | None, returned: Register | None) -> tuple[str, int | None, Value]:
    """Outcome, its instant, and whether it is an electronic result: of the record that holds of it, and of a return."""
    if returned is not None and (ended is None or (ended[3] == "reopened" and returned[:3] > ended[:3])):
        # A result that was handed over existed, although the source never reported when it was ready.
        return "resolved", returned[4], False
    if ended is None or ended[3] == "reopened":
        return "", None, False
    kind = "answered" if ended[3] == "feedback_answered" else ended[3]
    return kind, ended[4], kind == "resolved" and ended[5][0]
