"""Reads cells as text, booleans and instants; `cell_ids.py` and `cell_numbers.py` read ids and numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from schemas.nfc import nfc

Cell: TypeAlias = str | int | float | Decimal | bool | datetime | date | None
"""A cell as readers return it: text from CSV, other types from JSON and Parquet; None and empty text mean no value."""
Value: TypeAlias = str | int | bool | datetime
"""A value for a field of an event."""

ISO = "iso"
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
"""Formats of instants that are not strptime patterns: units since 1970 in UTC, with the units per second."""

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([T ](?P<time>\d\d:\d\d(:\d\d([.,]\d+)?)?) ?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)
_FINER = re.compile(r"(?<=[.,]\d{6})\d+", re.ASCII)
_PACKED = re.compile(r"%\w%")
_TIME_DIRECTIVE = re.compile(r"%[HIMSfpXcsT]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_EXACT = 2**53
"""From here on floats cannot represent every integer."""
_MOST_DIGITS = 80
"""More digits than any decimal of a file format has."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How instants are written: `formats` are tried in order, times without an offset are in `zone`.

    A local time that occurs twice, when clocks go back, is the first one; a local time that is skipped, when they go
    forward, is read with the offset before. A date without a time is the start of that day, or with `end_of_day` its
    last microsecond. With `days`, each value is a day, whatever its time: the day in the zone, or the day as written
    where the value is midnight by its own offset but not in the zone.
    """

    zone: ZoneInfo
    formats: tuple[str, ...] = (ISO,)
    end_of_day: bool = False
    days: bool = False


def is_empty(cell: Cell) -> bool:
    """Whether the cell holds no value."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell != cell  # NaN is not itself


def plain(cell: Cell) -> str:
    """The cell as text, as people and value maps write it: in NFC, and a whole float as its integer."""
    if isinstance(cell, str):
        return nfc(cell.strip())
    if isinstance(cell, float | Decimal):
        whole = integer_in(cell)
        return str(cell if whole is None else whole)
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def integer_in(number: float | Decimal) -> int | None:
    """The integer that a float or decimal holds exactly; None where it has a fraction or is too large to be exact."""
    if isinstance(number, Decimal):
        is_small = number.is_finite() and number.adjusted() < _MOST_DIGITS
        return int(number) if is_small and number == number.to_integral_value() else None
    return int(number) if number.is_integer() and abs(number) < _EXACT else None


def to_text(cell: Cell) -> str:
    """Text without surrounding spaces; raises ValueError for a NUL, and for a number that is not an integer.

    Such a number is not the original text: a code 2.000290 arrives as 2.00029, a long id without its last digits.
    """
    if isinstance(cell, float | Decimal) and integer_in(cell) is None:
        raise ValueError("is a number that is no integer, or too large for one: keep it as text in the source")
    text = plain(cell)
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def to_bool(cell: Cell) -> bool:
    """True, false, yes, no, 1 or 0 in any case; raises ValueError for anything else."""
    text = plain(cell).lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError("is neither true nor false")


def to_instant(cell: Cell, clock: Clock) -> datetime:
    """The instant in UTC, truncated to microseconds; raises ValueError when no format fits."""
    try:
        if isinstance(cell, datetime):
            return _moment(cell, clock, clock.days or _written_as_day(cell, clock))
        if isinstance(cell, date):
            return _day(cell, clock)
    except OverflowError as error:
        raise ValueError("lies outside the years that a time can have") from error
    text = plain(cell)
    for pattern in clock.formats:
        try:
            return _read(text, pattern, clock)
        except (ValueError, OverflowError):
            continue
    raise ValueError(f"is not a date or time as {' or '.join(clock.formats)} has it")


def _written_as_day(cell: datetime, clock: Clock) -> bool:
    """Whether a pattern without a time, such as `%Y-%m-%d 00:00:00`, means that a typed midnight is a day."""
    patterns = (each for each in clock.formats if "00:00" in each and not _TIME_DIRECTIVE.search(each))
    return any(cell.strftime(pattern) == str(cell) for pattern in patterns)


def check_formats(formats: Sequence[str]) -> None:
    """Raise ValueError for a format that cannot be used."""
    for pattern in formats:
        if pattern == ISO or pattern in EPOCHS:
            continue
        try:
            # A pattern must read back what it writes, or it does not name a day.
            read = datetime.strptime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).strftime(pattern), pattern)
        except (ValueError, re.error) as error:
            raise ValueError(f"{pattern!r} is not iso, {', '.join(EPOCHS)} or a strptime pattern: {error}") from error
        if "%Z" in pattern:
            raise ValueError(f"{pattern!r} has %Z: names of time zones are ambiguous, %z reads offsets")
        if read.date() != date(2026, 1, 2):
            raise ValueError(f"{pattern!r} names no year, month and day")


def _read(text: str, pattern: str, clock: Clock) -> datetime:
    if pattern == ISO:
        match = _ISO.fullmatch(text)
        if match is None:
            raise ValueError
        day, at, offset = match.group("day", "time", "offset")
        if at is None:
            return _day(date.fromisoformat(text), clock)
        return _moment(datetime.fromisoformat(f"{day}T{at}{offset or ''}"), clock, clock.days)
    if pattern in EPOCHS:
        at_epoch = _EPOCH + timedelta(microseconds=int(text) * 1_000_000 // EPOCHS[pattern])
        return _moment(at_epoch, clock, clock.days)
    if "%f" in pattern:
        text = _FINER.sub("", text)  # truncated like every fraction: strptime reads six digits only
    read = datetime.strptime(text, pattern)
    packed, _, _ = pattern.partition("%z")  # an offset can be written in several ways
    if _PACKED.search(packed) and not _writes(read, packed, text, whole=packed == pattern):
        # Without separators strptime takes missing digits from the next field: 2011120613 would become an instant.
        raise ValueError
    return _moment(read, clock, clock.days) if _TIME_DIRECTIVE.search(pattern) else _day(read.date(), clock)


def _writes(read: datetime, pattern: str, text: str, *, whole: bool) -> bool:
    written = read.strftime(pattern)
    return text == written if whole else text.startswith(written)


def _moment(read: datetime, clock: Clock, is_day: bool) -> datetime:
    at = _aware(read, clock)
    if not is_day:
        return at
    local = at.astimezone(clock.zone)
    written = read.time() == time.min and local.time() != time.min
    return _day(read.date() if written else local.date(), clock)


def _aware(read: datetime, clock: Clock) -> datetime:
    if read.tzinfo is None:
        read = datetime.combine(read, read.time(), clock.zone)  # four times as fast as `replace`
    return read.astimezone(UTC)


def _day(day: date, clock: Clock) -> datetime:
    at = time.max if clock.end_of_day else time.min
    return datetime.combine(day, at, clock.zone).astimezone(UTC)
