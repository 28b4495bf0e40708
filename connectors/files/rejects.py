"""The rejects file: the rows of an import that did not fit, each with its line and the reason."""

import csv
import os
from pathlib import Path
from typing import IO, Self

from connectors.errors import UnreadableFile

COLUMNS = ("line", "column", "value", "reason", "row")
MAX_VALUE = 1_000
MAX_ROW = 32_000
"""Characters kept of a value and of a row; what is longer ends in an ellipsis, its line in the source has the rest."""


class Rejects:
    """A CSV file made with the first reject, readable by its owner only: rows hold what must not be published.

    `count` is how many there are. A file that is already there is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None

    def add(self, line: int, column: str, value: str, reason: str, row: str) -> None:
        """Put one row aside; raises UnreadableFile when the file cannot be written."""
        try:
            if self._file is None:
                self._file = self._create()
            self._write((str(line), column, _short(value, MAX_VALUE), reason, _short(row, MAX_ROW)))
        except OSError as error:
            raise UnreadableFile(
                f"{self.path}: rejects cannot be written: {error.strerror}; give --rejects FILE"
            ) from error
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")
        self._write(COLUMNS)
        return self._file

    def _write(self, cells: tuple[str, ...]) -> None:
        # A NUL is text to us and the end of the line to other readers.
        csv.writer(self._file).writerow([cell.replace("\0", "\\x00") for cell in cells])  # type: ignore[arg-type]


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
