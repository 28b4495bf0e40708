"""Reference data put into tables, without a file and its checks."""

from collections.abc import Iterable
from datetime import date

from clickhouse_driver import Client
from msgspec import structs

from schemas.reference.agency import Agency
from schemas.reference.agency_tree import placements
from schemas.reference.procedure import ProcedureVersion
from schemas.tables import AGENCIES, AGENCY_PLACEMENTS, PROCEDURES, Table
from streams.storage.clickhouse_client import insert


def declare_agencies(client: Client, agencies: Iterable[Agency], load: int = 1) -> None:
    """A load of these agencies and of their places."""
    agencies = list(agencies)
    named = [structs.asdict(each) for each in agencies]
    _insert(client, AGENCIES, load, [tuple(row[column] for column in list(AGENCIES.columns)[1:]) for row in named])
    _insert(client, AGENCY_PLACEMENTS, load, [structs.astuple(each) for each in placements(agencies)])
    _mark(client, "agencies", load)


def declare_procedures(client: Client, procedures: Iterable[ProcedureVersion], load: int = 1) -> None:
    """A load of these procedures."""
    rows = []
    for each in procedures:
        row = structs.asdict(each) | {"fees": [structs.astuple(line) for line in each.fees]}
        rows.append(tuple(row[column] for column in list(PROCEDURES.columns)[1:]))
    _insert(client, PROCEDURES, load, rows)
    _mark(client, "procedures", load)


def days(since: str, until: str) -> dict[str, date]:
    """Both ends of a span of days, such as views and reports take them."""
    return {"since": date.fromisoformat(since), "until": date.fromisoformat(until)}


def _insert(client: Client, table: Table, load: int, rows: Iterable[tuple[object, ...]]) -> None:
    insert(client, table, [(load, *row) for row in rows])


def _mark(client: Client, kind: str, load: int) -> None:
    client.execute("INSERT INTO reference_loads (kind, load) VALUES", [(kind, load)])
