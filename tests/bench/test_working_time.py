"""The benchmark of terms runs, and compares with what is installed."""

import pytest

from bench.working_time import measured, terms_of_a_year


@pytest.mark.slow
def test_every_way_computes_its_terms() -> None:
    rows = {row.what: row for row in measured(terms_of_a_year(50))}
    assert {f"add_many, {unit}" for unit in ("working hours", "working days", "days", "months")} < rows.keys()
    assert rows["numpy.busday_offset, dates"].to_ours
    assert all(row.times == 50 for what, row in rows.items() if "many" in what)
