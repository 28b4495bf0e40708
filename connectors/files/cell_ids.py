"""Reads cells that hold an id: of a dossier, an agency, a transaction. Two ids must never become one in a saved file.

Spreadsheets and data frames store numbers as floats, shorten long ones, turn text into dates, and write words for an
empty cell. Such a cell is rejected instead of being read as an id.
"""

import re
from datetime import date

from connectors.files.cell_values import Cell, to_text

_SHORTENED = re.compile(r"[+-]?\d+([.,]\d+[eE][+-]?|[eE][+-])\d+", re.ASCII)
_FLOAT = re.compile(r"([+-]?\d+)\.0+", re.ASCII)
_NOTHING = frozenset({"null", "(null)", "none", "nan", "nat", "n/a", "<na>", "undefined", "nil", "\\n"})
FAILED_FORMULA = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|#+)")


def to_id(cell: Cell) -> str:
    """The text of an id; raises ValueError for what is more likely a number, a date, a failed formula or no value."""
    if isinstance(cell, bool | date):
        # 3/12 and 3-12 typed into a spreadsheet are one date, and every ticked box is one TRUE.
        what = "a yes or no" if isinstance(cell, bool) else "a date, which a spreadsheet makes of much"
        raise ValueError(f'is {what}: keep it as text in the source, or take it for an id with `as = "text"`')
    text = not_shortened(cell)
    if _FLOAT.fullmatch(text):
        raise ValueError('is a number that was saved as a float: `as = "integer"` takes its integer, "text" its text')
    if text.lower() in _NOTHING or FAILED_FORMULA.fullmatch(text):
        raise ValueError('is a word for nothing: list it under `empty`, or take it for an id with `as = "text"`')
    return text


def not_shortened(cell: Cell) -> str:
    """The text of a cell that must be exact; raises ValueError for a number that has lost its last digits."""
    text = to_text(cell)
    if _SHORTENED.fullmatch(text):
        raise ValueError('is a number whose last digits are cut; `as = "text"` takes it for an id all the same')
    return text


def to_integer_id(cell: Cell) -> str:
    """The integer of an id that was saved as a float; raises ValueError for anything but an integer."""
    text = not_shortened(cell)
    found = _FLOAT.fullmatch(text)
    whole = found[1] if found else text
    if not re.fullmatch(r"[+-]?\d+", whole, re.ASCII):
        raise ValueError("is not an integer")
    return whole
