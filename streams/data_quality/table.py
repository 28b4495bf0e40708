"""The table `data_quality`: rows that are repeated are one row."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from clickhouse_driver import Client

from schemas.distortion import Distortion
from schemas.tables import DATA_QUALITY
from streams.storage.clickhouse_client import insert


def insert_distortions(client: Client, distortions: Iterable[Distortion], zone: ZoneInfo) -> int:
    """Insert distortions, each once; returns how many. Raises what the driver does; it may be repeated."""
    rows = {(each.at.astimezone(zone).date(), each.agency, each.kind, each.dossier): each for each in distortions}
    if rows:
        insert(client, DATA_QUALITY, [(*key, each.source, each.at) for key, each in rows.items()])
    return len(rows)
