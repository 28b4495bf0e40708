"""The benchmark of small statements runs each in both ways."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench.statements import QUERIES, Result, main


@pytest.mark.platform
@pytest.mark.scenario
def test_a_small_run(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    done = CliRunner().invoke(main, ["--seconds", "0.01", "--data", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    rows = msgspec.json.decode(out.read_bytes(), type=Result).rows
    assert [row.statement for row in rows] == [*QUERIES, "an INSERT of one row"]
    assert all(row.described_ms + row.known_ms > 0 for row in rows)
    assert not (tmp_path / "bench-statements").exists()
