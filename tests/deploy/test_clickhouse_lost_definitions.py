"""What a full disk leaves of a table that a view fills keeps no server from starting, and nothing else is touched."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_driver import Client

from deploy.embedded.clickhouse.lost_definitions import remove_lost_definitions

FILLING = (
    "ATTACH MATERIALIZED VIEW _ UUID '…'\nREFRESH AFTER 15 SECOND TO city.waiting\n(\n    `n` UInt64\n)\nAS SELECT 1"
)


def test_only_empty_definitions_of_what_a_view_fills_are_removed(tmp_path: Path) -> None:
    database, other = tmp_path / "store" / "0a1" / "0a1b", tmp_path / "store" / "0a2" / "0a2b"
    database.mkdir(parents=True)
    other.mkdir(parents=True)
    (database / "refresh_waiting.sql").write_text(FILLING)
    (database / "past.sql").write_text("ATTACH TABLE _ UUID '…'")
    lost = [database / "waiting.sql", database / "%2Etmp%2Einner_id%2E12c6.sql"]
    kept = [database / "facts.sql", other / "waiting.sql"]
    for path in (*lost, *kept):
        path.touch()
    assert sorted(remove_lost_definitions(tmp_path)) == sorted(path.stem for path in lost)
    assert sorted(path.name for path in database.iterdir()) == ["facts.sql", "past.sql", "refresh_waiting.sql"]
    assert all(path.exists() for path in kept)
    assert remove_lost_definitions(tmp_path) == []


@pytest.mark.clickhouse
def test_a_server_starts_without_the_table_and_its_view_fills_one_that_is_made_anew(
    start_clickhouse: Callable[[Path, int], "subprocess.Popen[str]"], free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    process = start_clickhouse(tmp_path, port)
    client = Client("127.0.0.1", port=port)
    client.execute("CREATE DATABASE test_lost")
    made = "CREATE TABLE test_lost.waiting (n UInt64) ENGINE = MergeTree ORDER BY n"
    client.execute(made)
    client.execute(
        "CREATE MATERIALIZED VIEW test_lost.fills REFRESH EVERY 1 YEAR TO test_lost.waiting AS SELECT 7 AS n"
    )
    client.disconnect()
    process.terminate()
    process.wait()
    (definition,) = tmp_path.glob("store/*/*/waiting.sql")
    definition.write_bytes(b"")
    start_clickhouse(tmp_path, port)
    client = Client("127.0.0.1", port=port)
    assert client.execute("EXISTS TABLE test_lost.waiting") == [(0,)]
    client.execute(made)
    client.execute("SYSTEM REFRESH VIEW test_lost.fills")
    client.execute("SYSTEM WAIT VIEW test_lost.fills")
    assert client.execute("SELECT n FROM test_lost.waiting") == [(7,)]
    client.disconnect()
