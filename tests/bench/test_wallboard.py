"""The wallboards' benchmark makes a city whose figures add up, and asks what every tile asks."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from clickhouse_driver import Client

from bench.wallboard import Result, main, make
from schemas.connection import ClickHouseConnection
from streams.storage.clickhouse_client import connect

pytestmark = pytest.mark.clickhouse


def test_windows_are_those_of_the_dossiers(clickhouse: ClickHouseConnection) -> None:
    client: Client = connect(clickhouse)
    make(client, 5000)
    of_facts = "count(), countIf(outcome = 'resolved'), countIf(on_time), sum(components)"
    ((dossiers, *facts),) = client.execute(f"SELECT {of_facts} FROM facts FINAL")
    windows = client.execute("SELECT sum(resolved), sum(resolved_on_time), sum(components) FROM windows FINAL")
    assert dossiers == 5000
    assert windows == [tuple(facts)]
    ((today,),) = client.execute(
        "SELECT count() FROM facts WHERE received_at >= (SELECT start FROM periods WHERE period = 'day')"
    )
    assert today > 0
    client.disconnect()


@pytest.mark.platform
@pytest.mark.scenario
def test_a_small_run(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    done = CliRunner().invoke(
        main, ["--dossiers", "0.003", "--rounds", "1", "--data", str(tmp_path), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    (row,) = msgspec.json.decode(out.read_bytes(), type=Result).rows
    assert row.dossiers == 3000
    assert row.queries > 60
    assert row.median_ms <= row.p95_ms <= row.worst_ms
    assert not (tmp_path / "bench-wallboard").exists()
