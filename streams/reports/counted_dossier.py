"""What is known of one dossier, for systems that ask whether it was counted."""

from datetime import UTC, datetime

from clickhouse_driver import Client
from msgspec import Struct

from streams.queries import query


class CountedDossier(Struct, frozen=True):
    """A dossier as its latest records say; `status` is that of the view `dossiers`."""

    dossier: str
    agency: str
    status: str
    received_at: datetime | None
    term: datetime | None
    outcome_at: datetime | None
    returned_at: datetime | None


def counted_dossier(client: Client, dossier: str) -> CountedDossier | None:
    """The dossier with this id; None where none was counted. Raises what the driver does."""
    rows = client.execute(query("counted_dossier"), {"dossier": dossier})
    for name, agency, status, *instants in rows:
        return CountedDossier(name, agency, status, *(at and at.replace(tzinfo=at.tzinfo or UTC) for at in instants))
    return None
