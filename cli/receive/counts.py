"""Our counts as senders ask for them: a dossier with the status and the dates of the wire."""

from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.portal.answers import KnownDossier
from schemas.connection import ClickHouseConnection
from streams.reports.counted_dossier import counted_dossier
from streams.storage.clickhouse_client import database

_STATUSES = {
    "received": "2",
    "refused": "3",
    "processing": "4",
    "supplement": "5",
    "obligation": "6",
    "withdrawn": "7",
    "pause": "8",
    "stopped": "8",
    "resolved": "9",
    "returned": "10",
}


class StoredCounts:
    """Reads single dossiers, each with a connection of its own: senders ask seldom, and on any thread."""

    def __init__(self, clickhouse: ClickHouseConnection, zone: ZoneInfo) -> None:
        self._clickhouse = clickhouse
        self._zone = zone

    def dossier(self, code: str) -> KnownDossier | None:
        """The dossier with this code; None where none was counted. Raises DossierError."""
        with database(self._clickhouse) as client:
            found = counted_dossier(client, code)
        if found is None:
            return None
        instants = (found.received_at, found.term, found.outcome_at, found.returned_at)
        return KnownDossier(found.dossier, found.agency, _STATUSES[found.status], *map(self._digits, instants))

    def _digits(self, at: datetime | None) -> str:
        return at.astimezone(self._zone).strftime("%Y%m%d%H%M%S") if at else ""
