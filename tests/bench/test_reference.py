"""The benchmark of reference data declares a sound tree, and asks everything by both ways."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench.reference import AGENCIES, PROCEDURES, Result, agencies, main, procedures, queries
from schemas.reference.agency_checks import agency_flaws
from schemas.reference.agency_tree import AgencyTree
from schemas.reference.procedure_checks import procedure_flaws


@pytest.mark.slow
def test_the_tree_has_four_levels_and_a_merger_and_no_flaw() -> None:
    found = agencies(date(2026, 7, 1))
    assert len(found) == AGENCIES
    assert agency_flaws(found) == []
    tree = AgencyTree(found)
    assert {len(tree.place(each.code, date(2026, 7, 1))) for each in found} == {1, 2, 3, 4}
    assert sum(bool(each.successors) for each in found) == 1500
    assert len({each.code for each in procedures()}) == PROCEDURES
    assert procedure_flaws(procedures()) == []


def test_queries_are_asked_by_both_ways() -> None:
    found = queries(date(2025, 7, 1), date(2026, 6, 30))
    assert {"children of the city, then", "children of the city, today", "the tree of a day"} <= found.keys()
    assert not any("{" in sql for sql in found.values())


@pytest.mark.platform
@pytest.mark.scenario
def test_a_small_run(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    arguments = ["--dossiers", "0.003", "--rounds", "1", "--data", str(tmp_path), "--out", str(out)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    rows = {row.what: row for row in msgspec.json.decode(out.read_bytes(), type=Result).rows}
    assert {"load agencies", "fill by refresh_agency_past", "ranking of communes, today"} <= rows.keys()
    assert not (tmp_path / "bench-reference").exists()
