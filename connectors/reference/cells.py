"""Reads cells of reference data; each function raises ValueError that says what is wrong with the cell."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import TypeAlias, TypeVar
from unicodedata import category

from connectors.files.cell_ids import FAILED_FORMULA, to_id
from connectors.files.cell_numbers import to_whole
from connectors.files.cell_values import Cell as ScalarCell
from connectors.files.cell_values import plain
from schemas.nfc import nfc
from schemas.reference.validity import FIRST_DAY, LAST_DAY

Cell: TypeAlias = ScalarCell | list["Cell"]
"""A cell; a list only in JSON."""
T = TypeVar("T")

MAX_NAME = 300
MAX_CODE = 100
MAX_LISTED = 1000
MAX_TERM = 9999
"""Characters of a name, and of a code as events have it; elements of a list; and the greatest term."""

_KEEP = "keep the column as text in the spreadsheet"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
"""Characters of no width, which come along when text is copied from a page."""
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE_MADE = re.compile(
    r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}|\d{4}-\d\d-\d\d( 00:00:00)?"
    rf"|\d{{1,2}}-{_MONTH}(-\d{{2,4}})?|{_MONTH}-\d{{2,4}}",
    re.IGNORECASE | re.ASCII,
)
_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_LOCAL_DAY = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?: 0?0:00(?::00)?)?", re.ASCII)


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing but spaces."""
    if isinstance(cell, str):
        return not trimmed(cell)
    return cell is None or cell == [] or cell != cell  # NaN is not itself


def trimmed(text: str) -> str:
    """The text in NFC, without spaces of any kind and characters of no width at its ends."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(_INVISIBLE)
    return nfc(text)


def to_code(cell: Cell) -> str:
    """A code as events have it; not a number, a date or what else a spreadsheet makes of one."""
    if isinstance(cell, list):
        raise ValueError("is a list; one code is expected")
    if isinstance(cell, bool):
        raise ValueError(f"is a yes or no, not a code: {_KEEP}")
    if isinstance(cell, date):
        raise ValueError(f"is a date, which a spreadsheet makes of a code: {_KEEP}")
    if not isinstance(cell, str):
        raise ValueError(f"is a number: zeros at its ends, which a code may have, would be lost; {_KEEP}")
    code = trimmed(cell)
    if _DATE_MADE.fullmatch(code):
        raise ValueError(f"is a date, which a spreadsheet makes of a code: {_KEEP}")
    try:
        to_id(code)
    except ValueError as error:
        raise ValueError(f"{re.split('[:;]', str(error))[0]}: {_KEEP}") from error
    if "|" in code:
        raise ValueError("holds a |, which separates codes; one code is expected")
    if any(letter != " " and (letter.isspace() or category(letter)[0] == "C") for letter in code):
        raise ValueError("holds a line end, a tab, a non-breaking space or an invisible character")
    return _at_most(MAX_CODE, code)


def to_name(cell: Cell) -> str:
    """A text for people, of at most MAX_NAME characters; line ends stay within it."""
    if isinstance(cell, list | bool | date):
        raise ValueError(f"is {_KINDS[type(cell)]}, not a text")
    name = trimmed(plain(cell)).replace("\r\n", "\n").replace("\r", "\n")
    if FAILED_FORMULA.fullmatch(name):
        raise ValueError("is a failed formula")
    if any(category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in name):
        raise ValueError("holds a control character")
    return _at_most(MAX_NAME, name)


_KINDS = {list: "a list", bool: "a yes or no", date: "a date", datetime: "a date and time"}


def to_day(cell: Cell) -> date:
    """A day: a date cell, or text as 2025-07-01 or 01/07/2025. Year 9999 is an open end, as some systems write it."""
    if isinstance(cell, datetime):
        if cell.time() != time.min:
            raise ValueError("has a time of day; a day is expected")
        return _within(cell.date())
    if isinstance(cell, date):
        return _within(cell)
    if not isinstance(cell, str):
        raise ValueError("is a number, not a date: format the cell as a date, or write 2025-07-01")
    text = trimmed(cell)
    if found := _ISO_DAY.fullmatch(text):
        return _within(_day(found[1], found[2], found[3]))
    if found := _LOCAL_DAY.fullmatch(text):
        return _within(_day(found[4], found[3], found[1]))
    raise ValueError("is not a date such as 2025-07-01 or 01/07/2025")


def _day(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise ValueError("is not a day of the calendar") from error


def _within(day: date) -> date:
    if day.year == 9999:
        return LAST_DAY
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"is not between {FIRST_DAY} and {LAST_DAY}")
    return day


def to_term(cell: Cell) -> int:
    """A whole number of units."""
    if isinstance(cell, list | date):
        raise ValueError("is not a whole number")
    term = to_whole(trimmed(cell) if isinstance(cell, str) else cell)
    if not 0 <= term <= MAX_TERM:
        raise ValueError(f"is not between 0 and {MAX_TERM}")
    return term


def word(of: Callable[[str], T]) -> Callable[[Cell], T]:
    """Reads one of a set of words; a whole number or a yes or no is its text."""

    def read(cell: Cell) -> T:
        if isinstance(cell, list | date):
            raise ValueError(f"is {_KINDS[type(cell)]}, not a word")
        return of(trimmed(plain(cell)))

    return read


def listed(read: Callable[[Cell], T]) -> Callable[[Cell], tuple[T, ...]]:
    """Reads a list: of JSON, or texts separated by |; empty elements do not count."""

    def read_all(cell: Cell) -> tuple[T, ...]:
        parts = cell if isinstance(cell, list) else cell.split("|") if isinstance(cell, str) else [cell]
        if len(parts) > MAX_LISTED:
            raise ValueError(f"has {len(parts)} elements, at most {MAX_LISTED} are read")
        return tuple(read(part) for part in parts if not is_blank(part))

    return read_all


def _at_most(most: int, text: str) -> str:
    if len(text) > most:
        raise ValueError(f"has {len(text)} characters, at most {most} are allowed")
    return text
