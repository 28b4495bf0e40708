"""Whatever bytes a file holds, reading it ends with agencies or with an error that says what is wrong."""

import io
import json
import zipfile
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import UnreadableFile, WrongReferenceData
from connectors.reference.reading import read_agencies
from schemas.reference.agency_tree import placements
from schemas.reference.changes import agency_changes, digest
from tests.connectors.reference.files import written

COLUMNS = ("code", "name_vi", "parent", "level", "valid_from", "valid_to", "aliases", "successors")
CELLS = st.sampled_from(
    (
        "A",
        "B",
        "a",
        "A|B",
        "B|C",
        "xã",
        "",
        " ",
        "2025-07-01",
        "30/06/2025",
        '"',
        "\n",
        "\x00",
        "é",
        "9" * 400,
        "=1",
        "\ud800",
    )
) | st.text(max_size=5)


def check(path: Path) -> None:
    """What is read must be what all others rely on: a tree with places, whose changes can be told."""
    try:
        agencies = read_agencies([path])
    except WrongReferenceData as error:
        for finding in error.findings:
            assert finding.wrong
            assert "\n" not in str(finding)
            str(finding).encode()
    except UnreadableFile:
        pass
    else:
        placements(agencies)
        digest(agencies)
        agency_changes([], agencies)


@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=5), st.sampled_from(",;\t"), st.binary(max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_csv(tmp_path: Path, rows: list[list[str]], delimiter: str, tail: bytes) -> None:
    lines = [delimiter.join(cells) for cells in (COLUMNS, *rows)]
    check(written(tmp_path, "\n".join(lines).encode("utf-8", "surrogatepass") + tail))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS) | CELLS, JSON, max_size=8), max_size=5), st.integers(0, 30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json(tmp_path: Path, items: list[dict[str, object]], cut: int) -> None:
    check(written(tmp_path, json.dumps(items)[: -cut or None], "file.json"))


@cache
def whole_workbook() -> bytes:
    """A workbook, the same one each time, although openpyxl writes the time into it."""
    content = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    book.active.append(["A", "a", "", "xã", "", "", "", ""])
    book.save(content)
    return content.getvalue()


@pytest.mark.slow
@given(st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_workbook_with_broken_bytes(tmp_path: Path, data: st.DataObject) -> None:
    broken = bytearray(whole_workbook())
    for at in data.draw(st.lists(st.integers(0, len(broken) - 1), max_size=3)):
        broken[at] = data.draw(st.integers(0, 255))
    check(written(tmp_path, bytes(broken), "file.xlsx"))


@pytest.mark.slow
def test_a_workbook_that_expands(tmp_path: Path) -> None:
    content = io.BytesIO()
    openpyxl.Workbook().save(content)
    with zipfile.ZipFile(content) as original, zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in original.namelist():
            bomb.writestr(name, original.read(name) if "sheet1" not in name else b" " * (65 * 1024 * 1024))
    with pytest.raises(UnreadableFile, match=r"has 68157440 bytes, 67108864 are read"):
        read_agencies([tmp_path / "b.xlsx"])
