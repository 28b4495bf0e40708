"""Cells of a file as typed values: text, whole numbers, yes or no, instants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

Cell: TypeAlias = str | int | float | bool | datetime | date | None
"""What readers give: text from CSV, more from JSON and Parquet; None and empty text are "not given"."""
Value: TypeAlias = str | int | bool | datetime
"""What events take."""

ISO = "iso"
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
"""Formats of instants that are not patterns of strptime: units since 1970 in UTC, by how many make a second."""

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([T ](?P<time>\d\d:\d\d(:\d\d([.,]\d{1,9})?)?) ?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)
_PACKED = re.compile(r"%\w%")
_TIME_DIRECTIVE = re.compile(r"%[HIMSfpXcsT]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clock:
    """How instants are written: `formats` are tried in order, times without an offset are of `zone`.

    A local time that occurs twice when clocks go back is its first occurrence; one that is skipped when they go
    forward is read with the offset before. A date without a time is the start of that day, or, with `end_of_day`, its
    last microsecond.
    """

    zone: ZoneInfo
    formats: tuple[str, ...] = (ISO,)
    end_of_day: bool = False


def is_empty(cell: Cell) -> bool:
    """Whether nothing is given."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell != cell  # NaN is not itself


def plain(cell: Cell) -> str:
    """The cell as the text by which people and value maps know it."""
    return cell.strip() if isinstance(cell, str) else str(cell).lower() if isinstance(cell, bool) else str(cell)


def to_text(cell: Cell) -> str:
    """Text without the blanks around it; raises ValueError when it holds a NUL."""
    text = plain(cell)
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def to_whole(cell: Cell) -> int:
    """A whole number; raises ValueError for anything else, also for a fraction."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    text = plain(cell)
    if not _WHOLE.fullmatch(text):
        raise ValueError("is not a whole number")
    return int(text)


def to_bool(cell: Cell) -> bool:
    """True, false, yes, no, 1 or 0 in any case; raises ValueError for anything else."""
    text = plain(cell).lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError("is neither true nor false")


def to_instant(cell: Cell, clock: Clock) -> datetime:
    """The instant in UTC; raises ValueError when no format fits."""
    try:
        if isinstance(cell, datetime):
            return _aware(cell, clock)
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


def check_formats(formats: Sequence[str]) -> None:
    """Raise ValueError for a format that cannot be used."""
    for pattern in formats:
        if pattern == ISO or pattern in EPOCHS:
            continue
        try:
            # A pattern must read back what it writes, or it names no day at all.
            read = datetime.strptime(datetime(2026, 1, 2, 3, 4, 5).strftime(pattern), pattern)
        except (ValueError, re.error) as error:
            raise ValueError(f"{pattern!r} is not iso, {', '.join(EPOCHS)} or a strptime pattern: {error}") from error
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
        return _aware(datetime.fromisoformat(f"{day}T{at}{offset or ''}"), clock)
    if pattern in EPOCHS:
        return _EPOCH + timedelta(microseconds=int(text) * 1_000_000 // EPOCHS[pattern])
    read = datetime.strptime(text, pattern)
    if _PACKED.search(pattern) and read.strftime(pattern) != text:
        # Without separators strptime takes missing digits from the neighbours: 2011120613 would become an instant.
        raise ValueError
    return _aware(read, clock) if _TIME_DIRECTIVE.search(pattern) else _day(read.date(), clock)


def _aware(read: datetime, clock: Clock) -> datetime:
    if read.tzinfo is None:
        read = datetime.combine(read, read.time(), clock.zone)  # four times as fast as `replace`
    return read.astimezone(UTC)


def _day(day: date, clock: Clock) -> datetime:
    at = time.max if clock.end_of_day else time.min
    return datetime.combine(day, at, clock.zone).astimezone(UTC)
