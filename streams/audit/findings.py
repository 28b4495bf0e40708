"""What an audit may find, and how it is written down."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.tables import AUDITS
from streams.audit.cut import Cut
from streams.storage.clickhouse import database, insert

KINDS = ("progress", "numbers", "topic", "alerts", "views", "rollups")
"""What else is looked at, beside facts and windows: the kinds that a Finding may be of."""


class WindowDifference(Struct, frozen=True):
    """A counter of a window that is not what the facts add up to; `window` is its start in UTC."""

    agency: str
    window: str
    partition: int
    counter: str
    stored: int
    recomputed: int


class FactsDifference(Struct, frozen=True):
    """A column of a case's facts that is not what its events say; a missing row is the column `dossier`."""

    dossier: str
    column: str
    stored: str
    recomputed: str


class Finding(Struct, frozen=True):
    """Anything else that does not agree, of one of KINDS: at a place, what is there, and what should be."""

    kind: str
    place: str
    stored: str
    recomputed: str


class Audit(Struct, frozen=True):
    """What an audit found.

    `conflicts` are event ids with several contents, which are counted but want a look. `unconfirmed` are rows past the
    progress of a worker that did not go on: what they should be cannot be known yet. `scope` is `all`, or `moved` where
    only what moved since the audit before was looked at; `cut` is where this one began.
    """

    dossiers: int
    events: int
    windows: int
    window_differences: list[WindowDifference]
    facts_differences: list[FactsDifference]
    conflicts: int
    findings: list[Finding] = []
    unconfirmed: int = 0
    records: int | None = None
    """Records of the topic that were compared, where it was."""
    scope: Literal["all", "moved"] = "all"
    cut: Cut = Cut({}, 0)

    @property
    def differences(self) -> int:
        """How many differences there are."""
        return len(self.window_differences) + len(self.facts_differences) + len(self.findings)

    @property
    def by_kind(self) -> dict[str, int]:
        """How many differences there are of each kind, of every kind there is."""
        counts = {"facts": len(self.facts_differences), "windows": len(self.window_differences)}
        return counts | {kind: sum(found.kind == kind for found in self.findings) for kind in KINDS}


def record_audit(clickhouse: ClickHouseConnection, found: Audit, at: datetime, seconds: float) -> None:
    """Enter an audit that ended then into the table `audits`; raises Unreachable or NotMigrated."""
    counts = len(found.facts_differences), len(found.window_differences), found.conflicts
    others = found.scope, len(found.findings), found.unconfirmed
    row = (at, seconds, found.dossiers, found.windows, found.events, *counts, *others)
    with database(clickhouse) as client:
        insert(client, AUDITS, [row])
