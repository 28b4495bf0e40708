"""Files of reference data for tests, and what reading finds in them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.errors import WrongReferenceData


def written(folder: Path, content: str | bytes, name: str = "file.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(folder: Path, *rows: Sequence[Any]) -> Path:
    """A workbook with one sheet, named Cơ quan."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Cơ quan"
    for row in rows:
        sheet.append(row)
    book.save(folder / "file.xlsx")
    return folder / "file.xlsx"


def findings_of(read: Callable[[Sequence[Path]], object], *paths: Path) -> list[str]:
    """The findings as they are printed, with the files' names only."""
    with pytest.raises(WrongReferenceData) as raised:
        read(paths)
    return [str(finding).replace(f"{paths[0].parent}/", "") for finding in raised.value.findings]
