"""Two databases for everything Grafana asks: an empty one, and one of a small city."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.ddl import views
from schemas.profile import Profile
from schemas.tables import REFRESHES
from streams.clickhouse import connect
from streams.migration import Plan, make_tables
from tests.grafana.city import city
from tests.streams.counted import count


@contextmanager
def migrated(server: ClickHouseConnection) -> Iterator[ClickHouseConnection]:
    own = structs.replace(server, database=f"grafana_{uuid.uuid4().hex[:8]}")
    plan = Plan(KafkaConnection("127.0.0.1:1"), own, Profile(), partitions=8, replication=1, replicated=False)
    make_tables(plan, lambda _: None, dry_run=False)
    yield own
    client = connect(server)
    client.execute(f"DROP DATABASE `{own.database}` SYNC")
    client.disconnect()


def connect_reader(reader: ClickHouseConnection) -> Client:
    """A client such as Grafana is: it may only read, and its plugin limits the time of every query."""
    login = {"user": reader.user, "password": reader.password.reveal(), "database": reader.database}
    return Client(reader.host, reader.port, **login, settings={"max_execution_time": 65})


def grow(client: Client) -> None:
    """Let everything be read from what is rolled up, as it is where there are many dossiers; and roll it up."""
    (figures,) = [script for script in views(Profile()) if script.name == "city_figures.sql"]
    (statement,) = figures.statements
    client.execute(statement.replace("500000", "0"))
    refresh(client)


def refresh(client: Client) -> None:
    """Let the tables that are filled again and again be filled now."""
    for view in REFRESHES:
        client.execute(f"SYSTEM REFRESH VIEW {view}")
        client.execute(f"SYSTEM WAIT VIEW {view}")


@pytest.fixture(scope="session")
def empty_city(clickhouse_server: ClickHouseConnection, clickhouse_reader: ClickHouseConnection) -> Iterator[Client]:
    """A client of a database in which nothing was ever counted."""
    with migrated(clickhouse_server) as own:
        client = connect_reader(structs.replace(clickhouse_reader, database=own.database))
        yield client
        client.disconnect()


@pytest.fixture(scope="session")
def seeded_city(clickhouse_server: ClickHouseConnection, clickhouse_reader: ClickHouseConnection) -> Iterator[Client]:
    """A client of a database of the small city; tests only read it."""
    with migrated(clickhouse_server) as own:
        count(own, *city(), published=datetime.now(UTC))
        owner = connect(own)
        refresh(owner)
        owner.disconnect()
        client = connect_reader(structs.replace(clickhouse_reader, database=own.database))
        yield client
        client.disconnect()
