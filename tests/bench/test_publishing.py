"""The files whose import is measured are files as a source has them, and every row of them fits."""

import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.publishing import FORMATS, MAPPING, write
from connectors.files.file_import import Import
from connectors.files.file_reader import FileReader
from connectors.files.mapping_file import load_mapping
from connectors.files.rejects_file import RejectsFile
from connectors.files.row_mapper import RowMapper
from schemas.events import Event

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_says_of_every_dossier_what_became_of_it(tmp_path: Path, format_: str) -> None:
    file = tmp_path / f"dossiers.{format_}"
    assert write(file, 1, 1000) == 1001  # one is void
    events: list[Event] = []
    mapping = load_mapping(MAPPING)
    with (
        FileReader(str(file), io.BytesIO(), mapping, format_) as rows,  # type: ignore[arg-type]  # it is one of the formats
        RejectsFile(tmp_path / "rejects.csv", "log", NOW) as rejects,
    ):
        for _ in Import(RowMapper(mapping, NOW, NOW), events.append, rejects).run(rows):
            pass
    kinds = Counter(type(event).__name__ for event in events)
    assert rejects.count == 0
    assert (kinds["Received"], kinds["TermSet"]) == (1001, 1001)
    assert 900 < kinds["Resolved"] < 1000
    assert 400 < kinds["Returned"] < kinds["Resolved"]
