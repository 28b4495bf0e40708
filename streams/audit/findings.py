"""What an audit may find, and how its result is recorded."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.tables import AUDITS
from streams.audit.cutoff import Cut
from streams.storage.clickhouse_client import database, insert

KINDS = ("progress", "numbers", "topic", "alerts", "views", "rollups")
"""The kinds of findings other than differences of facts and windows."""


class WindowDifference(Struct, frozen=True):
    """A counter of a window that differs from the sum of the facts; `window` is its start in UTC."""

    agency: str
    window: str
    partition: int
    counter: str
    stored: int
    recomputed: int


class FactsDifference(Struct, frozen=True):
    """A column of a case's facts that differs from its events; a missing row is the column `dossier`."""

    dossier: str
    column: str
    stored: str
    recomputed: str


class Finding(Struct, frozen=True):
    """Any other difference, of one of KINDS: its place, what is stored, and what it should be."""

    kind: str
    place: str
    stored: str
    recomputed: str


class Audit(Struct, frozen=True):
    """The result of an audit.

    `conflicts` are event ids with several contents, which are counted but deserve a check. `unconfirmed` are rows
    beyond the progress of a worker that has stalled: what they should be is not known yet. `scope` is `moved` where
    only what moved since the last audit was checked; `cut` is where this audit began.
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
    """Insert an audit that ended then into the table `audits`; raises Unreachable or NotMigrated."""
    counts = len(found.facts_differences), len(found.window_differences), found.conflicts
    others = found.scope, len(found.findings), found.unconfirmed
    row = (at, seconds, found.dossiers, found.windows, found.events, *counts, *others)
    with database(clickhouse) as client:
        insert(client, AUDITS, [row])
