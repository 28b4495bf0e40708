"""What an import makes of a file, for tests of it."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from connectors.files.file_import import Import, ImportCounts
from connectors.files.file_reader import FileReader, format_of
from connectors.files.mapping import Format, Mapping
from connectors.files.rejects_file import RejectsFile
from connectors.files.row_mapper import RowMapper
from schemas.events import Event

NOW = datetime(2026, 11, 24, tzinfo=UTC)
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class ImportRecord:
    """The events of a file, what is said about it at the end, and what was put aside."""

    events: list[Event]
    tally: ImportCounts
    odd: list[str]
    rejects: list[dict[str, str]]

    @property
    def kinds(self) -> dict[str, int]:
        return dict(Counter(str(event.__struct_config__.tag) for event in self.events))

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


def imported(
    source: Path | bytes,
    mapping: Mapping,
    rejects: Path,
    *,
    format_: Format | None = None,
    told_at: datetime = NOW,
    number: int = 0,
    ignores_origin: bool = False,
    exact: bool = False,
    max_rejects: float = 1.0,
    **changes: object,
) -> ImportRecord:
    """Import a file, or bytes as from standard input; `changes` are other values of the mapping's keys."""
    mapping = msgspec.structs.replace(mapping, **changes) if changes else mapping
    path = str(source) if isinstance(source, Path) else "-"
    content = io.BytesIO(source) if isinstance(source, bytes) else io.BytesIO()
    events: list[Event] = []
    rejects.unlink(missing_ok=True)
    with (
        RejectsFile(rejects, path, told_at, number, exact=exact) as aside,
        FileReader(path, content, mapping, format_of(path, mapping, format_)) as rows,
    ):
        rule = RowMapper(mapping, told_at, NOW, number, ignores_origin=ignores_origin)
        job = Import(rule, events.append, aside, max_rejects=max_rejects)
        exhaust(job.run(rows))
    if not rejects.exists():
        return ImportRecord(events, job.counts, job.warnings.messages(), [])
    with rejects.open(encoding="utf-8", newline="") as file:
        return ImportRecord(events, job.counts, job.warnings.messages(), list(csv.DictReader(file)))


def exhaust(steps: Iterable[None]) -> None:
    """Let an import run to its end."""
    for _ in steps:
        pass
