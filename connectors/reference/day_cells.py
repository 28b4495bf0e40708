"""Reads cells with times of day; each function raises ValueError that says what is wrong with the cell."""

from connectors.reference.cells import Cell, listed, trimmed
from schemas.working_time.hours import Hours, in_order, to_hours, to_minute


def to_minute_of_day(cell: Cell) -> int:
    """A time of day as 15:00 or 15h, in minutes; a spreadsheet may have made a time of it."""
    return to_minute(_text(cell))


def to_hours_of_day(cell: Cell) -> tuple[Hours, ...]:
    """The stretches of a day, such as 07:30-11:30|13:00-17:00, in order."""
    return in_order(listed(_stretch)(cell))


def _stretch(cell: Cell) -> Hours:
    return to_hours(_text(cell))


def _text(cell: Cell) -> str:
    if not isinstance(cell, str):
        raise ValueError("is not a text with times such as 07:30")
    return trimmed(cell)
