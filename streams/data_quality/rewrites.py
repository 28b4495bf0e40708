"""Distortions that one message does not show, because the source tells something else than it told before."""

from collections.abc import Collection
from datetime import UTC, datetime

from clickhouse_driver import Client

from schemas.distortion import Distortion
from streams.queries import query


def rewritten(client: Client, sources: Collection[str], since: datetime) -> list[Distortion]:
    """Those of dossiers that came from these sources since an instant; raises what the driver does."""
    if not sources:
        return []
    rows = client.execute(query("rewritten_dossiers"), {"sources": tuple(sources), "since": since})
    return [
        Distortion(kind, agency, dossier, source, at.replace(tzinfo=UTC)) for kind, agency, dossier, source, at in rows
    ]
