"""Two databases for everything Grafana asks: an empty one, and one of a small city."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client
from msgspec import structs

from schemas.connection import ClickHouseConnection
from schemas.ddl import views
from schemas.deployment_profile import Profile
from schemas.events import Event
from schemas.tables import REFRESHES
from streams.storage import rollups
from streams.storage.clickhouse_client import connect
from tests.databases import Databases
from tests.grafana.city import city, city_after_a_merger
from tests.grafana.declared import Declare, load
from tests.streams.counted import count


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
    rollups.refresh(client, REFRESHES)


@pytest.fixture(scope="session")
def empty_city(databases: Databases, clickhouse_reader: ClickHouseConnection) -> Iterator[Client]:
    """A client of a database in which nothing was ever counted."""
    with databases.lend() as plan:
        own = plan.clickhouse
        client = connect_reader(structs.replace(clickhouse_reader, database=own.database))
        yield client
        client.disconnect()


@pytest.fixture(scope="session")
def seeded_city(databases: Databases, clickhouse_reader: ClickHouseConnection) -> Iterator[Client]:
    """A client of a database of the small city; tests only read it."""
    with databases.lend() as plan:
        own = plan.clickhouse
        count(own, *city(), published=datetime.now(UTC))
        owner = connect(own)
        refresh(owner)
        owner.disconnect()
        client = connect_reader(structs.replace(clickhouse_reader, database=own.database))
        yield client
        client.disconnect()


@pytest.fixture(scope="session")
def declare(databases: Databases, clickhouse_reader: ClickHouseConnection) -> Declare:
    """Lends a client of a database of these events, in which the reference data of the city is loaded."""

    @contextmanager
    def declared(events: Sequence[Event]) -> Iterator[Client]:
        with databases.lend() as plan:
            own = plan.clickhouse
            count(own, *events, published=datetime.now(UTC))
            owner = connect(own)
            load(owner)
            refresh(owner)
            owner.disconnect()
            client = connect_reader(structs.replace(clickhouse_reader, database=own.database))
            yield client
            client.disconnect()

    return declared


@pytest.fixture(scope="session")
def declared_city(declare: Declare) -> Iterator[Client]:
    """A client of a database of the city after a merger, with its reference data; tests only read it."""
    with declare(city_after_a_merger()) as client:
        yield client
