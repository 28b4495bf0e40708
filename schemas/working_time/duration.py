"""Durations: an amount of one of the units in which the law states terms."""

from fractions import Fraction

from msgspec import Struct

from schemas.reference.procedure import TermUnit as Unit

__all__ = ["Duration", "Unit"]


class Duration(Struct, frozen=True, gc=False):
    """An amount of a unit, such as 3 working days. Terms are whole; what a clock was stopped for is a fraction."""

    amount: int | Fraction
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"
