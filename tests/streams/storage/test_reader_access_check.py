"""What the reader of a real engine can do, found by trying it."""

import pytest
from msgspec import structs

from schemas.connection import ClickHouseConnection, Secret
from schemas.reader_access import LIMITS
from streams.storage.clickhouse_client import connect
from streams.storage.reader_access_check import READABLE, behaviour_of, compare_reader

pytestmark = pytest.mark.clickhouse


def test_the_embedded_reader_is_as_declared(
    clickhouse: ClickHouseConnection, clickhouse_reader: ClickHouseConnection
) -> None:
    found = compare_reader(clickhouse, clickhouse_reader.password)
    assert (found.differences, found.statements, found.unchecked) == ((), (), "")
    assert found.compared == ("what it can do",)


def test_a_user_who_may_do_everything_differs_in_everything_and_changes_nothing(
    clickhouse: ClickHouseConnection,
) -> None:
    found = behaviour_of(clickhouse)
    assert found.access == tuple(
        f"`reader` can {what}"
        for what in (
            *("read names of officials", "insert rows", "create tables", "alter tables"),
            *("read files of the server", "read URLs", "read other servers"),
            *("leave readonly mode", "change settings that are not declared"),
        )
    )
    assert [text.split()[0] for text in found.settings] == list(LIMITS)
    client = connect(clickhouse)
    assert client.execute("SELECT count() FROM windows") == [(0,)]
    assert client.execute(
        "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'windows'"
    ) != [("Null",)]
    client.disconnect()


def test_a_database_that_the_reader_may_not_see(
    clickhouse_server: ClickHouseConnection, clickhouse_reader: ClickHouseConnection
) -> None:
    client = connect(clickhouse_server)
    client.execute("CREATE DATABASE hidden_from_readers")
    try:
        found = behaviour_of(structs.replace(clickhouse_reader, database="hidden_from_readers"))
        assert found.access == tuple(f"`reader` cannot read hidden_from_readers.{name}" for name in READABLE)
        assert {"windows", "officials", "agency_labels"} <= {*READABLE}
        assert found.settings == ()
    finally:
        client.execute("DROP DATABASE hidden_from_readers")
        client.disconnect()


def test_without_a_password_that_is_known_nothing_is_compared(clickhouse: ClickHouseConnection) -> None:
    assert compare_reader(clickhouse, Secret()).unchecked
    assert "refuses the password" in compare_reader(clickhouse, Secret("another")).differences[0]
