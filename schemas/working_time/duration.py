"""Durations: an amount of one of the units in which the law states terms."""

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from schemas.reference.procedure import TermUnit as Unit

__all__ = ["Duration", "Unit", "amount_text"]
_DECIMALS = 12


class Duration(Struct, frozen=True, gc=False):
    """An amount of a unit, such as 3 working days. Terms are whole; what a clock was stopped for is a fraction."""

    amount: int | Fraction
    unit: Unit

    def __str__(self) -> str:
        return f"{amount_text(self.amount)} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"


def amount_text(amount: int | Fraction) -> str:
    """The exact amount: a decimal such as 3.1875 where one of at most 12 places is, else a fraction such as 16/15."""
    if 10**_DECIMALS % amount.denominator:
        return str(amount)
    return f"{(Decimal(amount.numerator) / amount.denominator).normalize():f}"
