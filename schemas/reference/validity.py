"""Validity of versions: local days, both ends inclusive; an open end is the first or last day that ClickHouse has."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Protocol

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2299, 12, 31)
"""An open beginning and an open end, as a Date32 has them: days compare without a special case."""

ONE_DAY = timedelta(days=1)


class Valid(Protocol):
    """What is valid from one local day to another, both inclusive."""

    @property
    def valid_from(self) -> date:
        """The first day."""

    @property
    def valid_to(self) -> date:
        """The last day."""


def is_valid(version: Valid, day: date) -> bool:
    """Whether the version is valid on this day."""
    return version.valid_from <= day <= version.valid_to


def boundaries(versions: Collection[Valid]) -> list[date]:
    """The days on which a version begins or has just ended, in order: between them nothing changes."""
    begun = {version.valid_from for version in versions if version.valid_from > FIRST_DAY}
    return sorted(begun | {version.valid_to + ONE_DAY for version in versions if version.valid_to < LAST_DAY})


def shown_validity(version: Valid) -> str:
    """The validity in words, such as `from 2025-07-01`; empty where both ends are open."""
    parts = []
    if version.valid_from > FIRST_DAY:
        parts.append(f"from {version.valid_from}")
    if version.valid_to < LAST_DAY:
        parts.append(f"until {version.valid_to}")
    return " ".join(parts)
