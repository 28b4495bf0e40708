"""What the ten statuses of a dossier (TrangThaiHoSo) mean: configuration, since code bases differ."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

Meaning: TypeAlias = Literal[
    "registered",
    "received",
    "processing",
    "supplement",
    "obligation",
    "paused",
    "refused",
    "withdrawn",
    "stopped",
    "resolved",
    "returned",
]
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)
WAITS: frozenset[Meaning] = frozenset({"supplement", "obligation", "paused"})
ENDS: frozenset[Meaning] = frozenset({"refused", "withdrawn", "stopped", "resolved", "returned"})

_ENDING: dict[str, Meaning] = {
    "1": "registered",
    "2": "received",
    "3": "refused",
    "4": "processing",
    "5": "supplement",
    "6": "obligation",
    "7": "withdrawn",
    "8": "stopped",
    "9": "resolved",
    "10": "returned",
}
TABLES: dict[str, Mapping[str, Meaning]] = {
    "ending": _ENDING,
    "suspending": {**_ENDING, "7": "processing", "8": "paused"},
}
"""The two readings that code bases have: 7 and 8 end a dossier, or 7 does not and 8 suspends it."""


def status_table(name: str, changed: Mapping[str, Meaning]) -> dict[str, Meaning]:
    """A table with some of its meanings replaced; raises KeyError where no table has this name."""
    return {**TABLES[name], **changed}
