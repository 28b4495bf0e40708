"""Reads numbers as people and programs write them: integers, and amounts with thousands and decimal separators.

The meaning must never be a guess. Three digits after a separator are thousands, since amounts have no third decimal;
one, two or more than three are a fraction. An ambiguous number is rejected until the mapping names the separator.
"""

import re
from decimal import Decimal
from typing import Literal, TypeAlias

from connectors.files.cell_values import Cell, integer_in, plain

Sign: TypeAlias = Literal[".", ","]

_MOST_DIGITS = 40
_EXACT = 2**53
_WHOLE = re.compile(r"[+-]?\d{1,19}(\.0{1,2})?", re.ASCII)
_AMOUNT = re.compile(r"\d[\d.,' ’\u00a0\u2009\u202f]{0,40}", re.ASCII)
_SIGNS = re.compile(r"[.,' ’\u00a0\u2009\u202f]")
_CURRENCY = re.compile(r"^(?:vnđ|vnd|₫|đ)\s*|\s*(?:vnđ|vnd|đồng|dong|₫|đ|d)\.?$", re.IGNORECASE)


def to_whole(cell: Cell) -> int:
    """An integer, also where a program wrote it as a float; raises ValueError for anything else."""
    if isinstance(cell, float | Decimal):
        whole = integer_in(cell)
        if whole is None:
            raise ValueError("is not a whole number that a float holds exactly")
        return whole
    text = plain(cell)
    if not _WHOLE.fullmatch(text):
        raise ValueError("is not a whole number")
    return int(text.partition(".")[0])


def to_amount(cell: Cell, decimal: Sign | None = None, times: int = 1) -> int:
    """The amount times `times`, in whole units of the currency; raises ValueError where that leaves a fraction.

    `decimal` is the decimal separator; the other sign and spaces then separate thousands. Without it, an ambiguous text
    is rejected.
    """
    if isinstance(cell, bool | int | float | Decimal):
        # A float is what it prints as: 49.25 times 100 must be 4925.
        exact = Decimal(str(cell)) if isinstance(cell, float) else Decimal(cell)
        if isinstance(cell, bool) or not exact.is_finite() or exact.adjusted() > _MOST_DIGITS:
            raise ValueError("is not an amount")
        if isinstance(cell, float) and abs(cell) >= _EXACT:
            raise ValueError("is not an amount that a float holds exactly")
    else:
        exact = _written(plain(cell), decimal)
    amount = exact * times
    if amount != amount.to_integral_value():
        raise ValueError("is not a whole number: say with `times` in which smaller units amounts are counted")
    return int(amount)


def _written(text: str, decimal: Sign | None) -> Decimal:
    negative, bare = text.startswith("-"), _CURRENCY.sub("", text.removeprefix("-").removeprefix("+").strip())
    if not _AMOUNT.fullmatch(bare):
        raise ValueError("is not an amount")
    whole, _, fraction = bare.partition(decimal or _decimal_sign(bare))
    first, *thousands = _SIGNS.split(whole)
    if fraction and not fraction.isdigit():
        raise ValueError("is not an amount: it has signs behind its fraction")
    if any(len(part) != 3 for part in thousands) or (thousands and len(first) > 3):
        raise ValueError("is not an amount: its thousands are not three digits each")
    number = Decimal(f"{first}{''.join(thousands)}.{fraction or 0}")
    return -number if negative else number


def _decimal_sign(text: str) -> str:
    """The decimal separator of this text; a sign that is not in it where it has no fraction."""
    signs = [letter for letter in text if letter in ".,"]
    if not signs:
        return "|"
    last = signs[-1]
    whole, _, after = text.rpartition(last)
    if len(signs) > 1 and last == signs[0]:
        return "|"  # 1.500.000
    if len(after) != 3 or whole == "0":
        return last  # 1.500,5 and 36.0, and 0.500, since no thousands begin with a zero
    if len(signs) > 1 or len(whole) > 3:
        raise ValueError("can be read in two ways: say with `decimal` which sign stands before a fraction")
    return "|"  # 150.000
