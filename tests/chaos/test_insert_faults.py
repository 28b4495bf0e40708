import threading
from contextlib import closing

import pytest
from msgspec import structs

from chaos.insert_faults import InsertFaults
from chaos.tcp_proxy import Passing, Proxy
from schemas.connection import ClickHouseConnection
from schemas.tables import PROGRESS
from streams.counting.record import Record
from streams.counting.rows import progress_row
from streams.counting.store_interface import Row
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from tests.streams.log import NOW


def progress(offset: int) -> Row:
    return progress_row("dossier-events", 1, Record(3, offset, 0, None), NOW)


def asked(connection: int = 1) -> Passing:
    return Passing(connection, True, b"...INSERT INTO windows (agency) VALUES...")


def test_an_ambush_waits_until_the_rows_of_an_insert_are_sent() -> None:
    inserts = InsertFaults()
    with inserts.intercept("sending", lambda: True) as acted:
        assert not inserts(Passing(1, True, b"SELECT 1"))
        assert not inserts(asked())
        assert not inserts(Passing(2, True, b"of another connection"))
        assert not inserts(Passing(1, False, b"its columns"))
        assert not acted.is_set()
        assert inserts(Passing(1, True, b"rows"))
        assert acted.is_set()


def test_an_ambush_springs_once() -> None:
    inserts = InsertFaults()
    with inserts.intercept("sending", lambda: True):
        for connection in (1, 2):
            inserts(asked(connection))
            inserts(Passing(connection, False, b"its columns"))
        assert inserts(Passing(1, True, b"rows"))
        assert not inserts(Passing(2, True, b"rows"))


@pytest.mark.clickhouse
def test_an_insert_is_applied_although_its_client_never_hears_of_it(clickhouse: ClickHouseConnection) -> None:
    inserts = InsertFaults()
    seen: list[int] = []

    def look() -> bool:
        client = connect(clickhouse)
        seen.extend(offset for (offset,) in client.execute("SELECT offset FROM progress"))
        client.disconnect()
        return True

    with (
        Proxy(clickhouse.host, clickhouse.port, inserts) as proxy,
        inserts.intercept("applied", look) as acted,
        closing(ClickHouseStore(structs.replace(clickhouse, port=proxy.port))) as store,
    ):
        store.write(PROGRESS, [progress(17)])
        assert acted.is_set()
        assert seen == [17]
        assert proxy.cut == 1
        assert store.read_checkpoints("dossier-events")[3].offset == 17


@pytest.mark.clickhouse
def test_a_server_that_is_away_comes_back(clickhouse: ClickHouseConnection) -> None:
    inserts = InsertFaults()
    inserts.is_away = True
    back = threading.Timer(0.5, lambda: setattr(inserts, "is_away", False))
    back.start()
    with (
        Proxy(clickhouse.host, clickhouse.port, inserts) as proxy,
        closing(ClickHouseStore(structs.replace(clickhouse, port=proxy.port), patient=True)) as store,
    ):
        store.write(PROGRESS, [progress(1)])
        assert store.read_checkpoints("dossier-events").keys() == {3}
        assert proxy.cut > 0
    back.join()
