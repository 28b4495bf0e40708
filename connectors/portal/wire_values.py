"""Values as one-stop systems write them: everything may be text, a number or empty; instants are local digits."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.portal.rejected import Rejected
from schemas.instant import EARLIEST, LATEST
from schemas.nfc import nfc

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_PERSONAL = re.compile(r"[0-9]{9,12}|.*(?<![0-9])(0[0-9]{9}|84[0-9]{9}|0[0-9]{11})(?![0-9]).*")
"""A whole that is a phone or identity number, or a code that has one in it."""
_AMOUNT = re.compile(r"([0-9]{1,12}|[0-9]{1,3}(?:\.[0-9]{3}){1,3}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:[.,]0{1,2})?")
_MOST_ITEMS = 1000
_TRUE = frozenset({"1", "true"})
_NO_DAY = frozenset({"0", "00010101000000", "00000000000000"})
"""What systems write for no instant at all."""


def text_at(item: Mapping[str, Any], field: str) -> str:
    """The text of a field, in NFC and without spaces around it; empty where there is none."""
    value = item.get(field)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip() if value.isascii() else nfc(value).strip()
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    raise Rejected("unreadable", field, "is neither text nor a whole number")


def is_true(item: Mapping[str, Any], field: str) -> bool:
    """Whether the field says 1 or true."""
    return text_at(item, field).lower() in _TRUE


def code_at(item: Mapping[str, Any], field: str) -> str:
    """The code in a field; empty where there is none. What may be personal data is refused."""
    text = text_at(item, field)
    if not text:
        return ""
    if _CODE.fullmatch(text) is None or not any(letter.isdigit() for letter in text):
        raise Rejected("invalid", field, "is no code of Latin letters, digits and . _ : / - with a digit in it")
    if _PERSONAL.fullmatch(text):
        raise Rejected("personal", field, "looks like a phone or identity number")
    return text


def required_code_at(item: Mapping[str, Any], field: str) -> str:
    """The code in a field; raises Rejected where it is empty."""
    return code_at(item, field) or _missing(field)


def instant_at(item: Mapping[str, Any], field: str, zone: ZoneInfo, *, is_term: bool = False) -> datetime | None:
    """The instant in a field of local digits yyyyMMddHHmmss, or fewer of them; None where it is empty.

    A day without a time is its first instant, but a term given as a day ends with it.
    """
    text = text_at(item, field)
    if not text or text in _NO_DAY:
        return None
    if len(text) not in (8, 12, 14) or not (text.isascii() and text.isdigit()):
        raise Rejected("invalid", field, "is no instant of the form yyyyMMddHHmmss")
    parts = [int(text[:4]), *(int(text[place : place + 2]) for place in range(4, len(text), 2))]
    try:
        local = datetime(*parts, tzinfo=zone)  # type: ignore[misc, arg-type]  # three to six whole numbers
    except ValueError as error:
        raise Rejected("invalid", field, "is no instant of the calendar") from error
    if is_term and len(text) == 8:
        local += timedelta(days=1, microseconds=-1)
    found = local.astimezone(UTC)
    if not EARLIEST <= found < LATEST:
        raise Rejected("invalid", field, f"is not of the years {EARLIEST.year} to {LATEST.year - 1}")
    return found


def amount_at(item: Mapping[str, Any], field: str) -> int:
    """Whole đồng in a field, 0 where it is empty: 150000, 150.000 or 150,000.00."""
    text = text_at(item, field)
    if not text:
        return 0
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Rejected("invalid", field, "is no amount of whole đồng")
    return int(re.sub(r"[.,]", "", found[1]))


def items_at(item: Mapping[str, Any], field: str, most: int = _MOST_ITEMS) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; none where it is empty or is not there."""
    value = item.get(field)
    if value is None or value == "":
        return ()
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Rejected("unreadable", field, "is no list of objects")
    if len(value) > most:
        raise Rejected("invalid", field, f"has more than {most} entries")
    return value


def _missing(field: str) -> str:
    raise Rejected("missing", field, "is empty")
