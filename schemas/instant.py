"""Instants: points in time as events and facts have them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Instants are from EARLIEST up to, but excluding, LATEST: others are typing errors, and fit no column."""

Instant = Annotated[
    datetime,
    Meta(tz=True, description="RFC 3339 date and time with an offset, of the years 2000 to 2099"),
]

_FINER = re.compile(rb"\.\d{7}")
_FINER_INSTANT = re.compile(
    rb'("?\b(?:occurred_at|recorded_at|received_at|published_at|term|at|as_of)"?\s*[:=]\s*'
    rb'"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d\.\d{6})\d+'
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly; the datetime must be aware."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of these microseconds since 1970."""
    seconds, rest = divmod(micros, 1_000_000)
    instant = datetime.fromtimestamp(seconds, UTC)
    return instant.replace(microsecond=rest) if rest else instant


def truncated(text: bytes) -> bytes:
    """JSON or TOML with the instants of our fields truncated to microseconds; the same bytes where none is finer.

    Decoders round finer instants: the last moment of a day as .NET writes it, 23:59:59.9999999, would be the next day.
    """
    return _FINER_INSTANT.sub(rb"\1", text) if _FINER.search(text) else text


def check_instant(field: str, value: datetime) -> None:
    """Raise ValueError, naming field and value, unless EARLIEST <= value < LATEST."""
    if not EARLIEST <= value < LATEST:
        raise ValueError(f"{field} = {value.isoformat()} is not between {EARLIEST.year} and {LATEST.year - 1}")
