"""Reads fee lines: `AMOUNT` or `NAME=AMOUNT`, each with `from DAY`, `until DAY` or both behind it."""

import re

from connectors.files.cell_numbers import to_amount
from connectors.reference.cells import Cell, to_day, to_name, trimmed
from schemas.reference.procedure import FeeLine
from schemas.reference.validity import FIRST_DAY, LAST_DAY

MAX_FEE = 10**12
"""Đồng, as in events."""

_DAYS = re.compile(r"\s+(from|từ|until|to|đến)(?:\s+ngày)?\s+(\S+)$", re.IGNORECASE)
_FREE = frozenset({"miễn phí", "không", "free"})


def to_fee(cell: Cell) -> FeeLine:
    """One fee line; raises ValueError that says what is wrong with it."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return FeeLine("", _amount(str(cell)))
    if not isinstance(cell, str):
        raise ValueError("is not a fee: write it as AMOUNT or NAME=AMOUNT")
    text = trimmed(cell)
    first, last = FIRST_DAY, LAST_DAY
    while found := _DAYS.search(text):
        if found[1].lower() in ("from", "từ"):
            first = to_day(found[2])
        else:
            last = to_day(found[2])
        text = text[: found.start()]
    name, _, amount = text.rpartition("=")
    return FeeLine(to_name(name), _amount(amount), first, last)


def _amount(text: str) -> int:
    try:
        amount = 0 if trimmed(text).lower() in _FREE else to_amount(trimmed(text))
    except ValueError as error:
        raise ValueError(f"has an amount that {str(error).partition(':')[0]}") from error
    if not 0 <= amount <= MAX_FEE:
        raise ValueError(f"is not between 0 and {MAX_FEE} đồng")
    return amount
