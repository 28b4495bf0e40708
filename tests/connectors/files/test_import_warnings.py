from pathlib import Path

import pytest

from connectors.files.mapping_file import decode_mapping
from tests.connectors.files.imported import imported

MAPPING = decode_mapping(
    b"""
    source = "s"
    time_zone = "Asia/Ho_Chi_Minh"
    dossier = { column = "id" }
    [[events]]
    kind = "term_set"
    occurred_at = { column = "at" }
    fields = { term = { column = "due" } }
    [[events]]
    kind = "resolved"
    occurred_at = { column = "done" }
    when = { column = "state", one_of = ["done"] }
    """,
    "m.toml",
)


def found(tmp_path: Path, *rows: str) -> list[str]:
    content = "\n".join(["id,at,due,done,state", *rows]).encode()
    return imported(content, MAPPING, tmp_path / "r.csv", format_="csv").odd


@pytest.mark.parametrize("due", ["2026-01-20 00:00:00", "2026-01-20T00:00:00Z", "2026-01-20T00:00:00+07:00"])
def test_terms_are_odd_where_all_are_at_midnight(due: str, tmp_path: Path) -> None:
    rows = [f"{number},2026-01-05,{due},2026-01-06,done" for number in range(3)]
    (odd,) = found(tmp_path, *rows)
    assert odd.startswith("all 3 terms in 'due' are at midnight")
    assert found(tmp_path, *rows, "x,2026-01-05,2026-01-20 08:00,2026-01-06,done") == []


def test_days_and_no_terms_are_not_odd(tmp_path: Path) -> None:
    assert found(tmp_path, "a,2026-01-05,2026-01-20,2026-01-06,done") == []
    assert found(tmp_path) == []


def test_an_event_that_no_row_gave_is_told_with_what_its_condition_saw(tmp_path: Path) -> None:
    rows = [f"{number},2026-01-05,2026-01-20,2026-01-06,{state}" for number, state in enumerate(("Done", "open") * 3)]
    assert found(tmp_path, *rows) == [
        "no row gave resolved: its `when` waits for 'done' in 'state', which holds 'Done', 'open'"
    ]
    assert found(tmp_path, "a,,,2026-01-06,done") == ["no row gave term_set: is 'at' the right column?"]


def test_rows_that_do_not_fit_are_told_as_such_and_nothing_of_them_is_odd(tmp_path: Path) -> None:
    assert found(tmp_path, "a,2026-01-05,soon,never,done") == []
