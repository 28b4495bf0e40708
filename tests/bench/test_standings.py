"""The benchmark of verdicts asks what stands for the former queries for the same dossiers."""

import psutil
import pytest

from bench.standings import measured
from bench.wallboard import make
from schemas.connection import ClickHouseConnection
from streams.storage.clickhouse_client import connect

pytestmark = pytest.mark.clickhouse


def test_dossiers_with_and_without_stops_are_asked_about(clickhouse: ClickHouseConnection) -> None:
    with connect(clickhouse) as client:
        make(client, 3000)
        rows = measured(client, psutil.Process(), rounds=1)
        assert [row.query for row in rows if row.query.startswith("waiting")] == [
            "waiting",
            "waiting, as it was when the term that was sent decided",
        ]
        with_steps = "SELECT countIf(notEmpty(verdict_rule)) BETWEEN 50 AND 200, count() FROM facts FINAL"
        assert client.execute(with_steps) == [(1, 3000)]
