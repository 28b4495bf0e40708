"""Alerts as they are stored in the table `dossier_alerts`."""

from msgspec import Struct

from schemas.alerts import Alert
from schemas.connection import ClickHouseConnection
from streams.queries import query
from streams.storage.clickhouse_client import database


class Selection(Struct, frozen=True):
    """Which alerts: None selects all; `standing` those that were raised and neither cleared nor superseded."""

    agency: str | None = None
    level: str | None = None
    dossier: str | None = None
    standing: bool = True


def newest(clickhouse: ClickHouseConnection, selection: Selection, most: int) -> tuple[int, list[Alert]]:
    """How many selected alerts there are, and the newest of them; raises Unreachable or NotMigrated."""
    named = {name: getattr(selection, name) for name in ("agency", "level", "dossier")}
    with database(clickhouse) as client:
        rows = client.execute(query("alerts"), named | {"standing": int(selection.standing), "most": most})
    names = Alert.__struct_fields__
    return (rows[0][-1] if rows else 0), [Alert(**dict(zip(names, row, strict=False))) for row in rows]
