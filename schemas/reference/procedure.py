"""Administrative procedures (thủ tục hành chính), in versions: a dossier has the version valid at its reception."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, get_args

from msgspec import Struct

from schemas.events import Channel
from schemas.reference.agency import Level
from schemas.reference.validity import FIRST_DAY, LAST_DAY, is_valid

ServiceLevel = Literal["full", "partial", "information", "4", "3"]
"""How far a procedure is offered online; 4 and 3 are the older words for full and partial."""
TermUnit = Literal["working hours", "working days", "days", "months"]
"""What a term counts."""
Unit = Literal[TermUnit, ""]
"""The unit of a procedure's term; empty where it has none."""
CHANNELS: tuple[Channel, ...] = get_args(Channel)


class FeeLine(Struct, frozen=True, gc=False):
    """One fee in đồng on the days from `valid_from` to `valid_to`; a fee of zero is a line as well."""

    name: str
    amount: int
    valid_from: date = FIRST_DAY
    valid_to: date = LAST_DAY


class ProcedureVersion(Struct, frozen=True, kw_only=True, gc=False):
    """One version of a procedure for one channel; for all channels where `channel` is empty."""

    code: str
    name_vi: str
    name_en: str = ""
    field: str = ""
    levels: tuple[Level, ...] = ()
    service_level: ServiceLevel
    channel: Channel | Literal[""] = ""
    term: int | None = None
    unit: Unit = ""
    fees: tuple[FeeLine, ...] = ()
    electronic_result: bool = False
    components_reusable: tuple[str, ...] = ()
    valid_from: date = FIRST_DAY
    valid_to: date = LAST_DAY

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that the version is for."""
        return (self.channel,) if self.channel else CHANNELS


def bears_fee(fees: Iterable[FeeLine], day: date) -> bool:
    """Whether a fee above zero is due on this day."""
    return any(line.amount > 0 and is_valid(line, day) for line in fees)
