"""The reference data of the city in the tables of a database, and the dictionaries over them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

from clickhouse_driver import Client
from msgspec import Struct, structs

from schemas.events import Event
from schemas.reference.agency_tree import placements
from schemas.tables import DICTIONARIES
from tests.grafana.city import AGENCIES, PROCEDURES

Declare: TypeAlias = Callable[[Sequence[Event]], AbstractContextManager[Client]]
"""Lends a client of a database of these events, in which the reference data of the city is loaded."""

_LOAD = 1
_TABLES = ("agencies", "agency_placements", "procedures", "reference_loads")


def load(client: Client) -> None:
    """Declare the agencies and procedures of the city."""
    _insert(client, "agencies", AGENCIES)
    _insert(client, "agency_placements", placements(AGENCIES))
    _insert(client, "procedures", PROCEDURES)
    marks = [("agencies", _LOAD, len(AGENCIES)), ("procedures", _LOAD, len(PROCEDURES))]
    client.execute("INSERT INTO reference_loads (kind, load, rows) VALUES", marks)
    _reload(client)


def unload(client: Client) -> None:
    """Leave nothing declared."""
    for table in _TABLES:
        client.execute(f"TRUNCATE TABLE {table}")
    _reload(client)


def _insert(client: Client, table: str, rows: Iterable[Struct]) -> None:
    told = [{"load": _LOAD} | {name: _stored(value) for name, value in structs.asdict(row).items()} for row in rows]
    client.execute(f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in told[0])}) VALUES", told)


def _stored(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _reload(client: Client) -> None:
    for dictionary in DICTIONARIES:
        client.execute(f"SYSTEM RELOAD DICTIONARY {dictionary}")
