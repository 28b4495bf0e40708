"""`dossier mapping try`: the events that a mapping makes of a file, row by row, and what it rejects."""

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from cli.terminal_escape import brief, plural, printable
from connectors.files.column_reader import Reject
from connectors.files.file_reader import FileReader, format_of
from connectors.files.import_warnings import ImportWarnings
from connectors.files.mapping import FORMATS
from connectors.files.mapping_file import load_mapping
from connectors.files.row import AnyRow, Row
from connectors.files.row_mapper import MappedRow, RowMapper
from schemas.events import Event

_ALWAYS = frozenset({"id", "dossier", "source", "occurred_at", "recorded_at", "seq", "kind"})


@click.command("try", short_help="Show the events that a mapping makes of a file.")
@click.argument("mapping_file", metavar="MAPPING", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("file")
@click.option(
    "--format", "given_format", type=click.Choice(FORMATS), help="Format of the file.  [default: by its extension]"
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Show at most so many rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object for each row.")
def command(mapping_file: Path, file: str, given_format: str | None, limit: int, as_json: bool) -> None:
    """Show what MAPPING makes of the rows of FILE (- is standard input): events, and rejects with their reasons.

    For records of a topic, take a file with some of them, a JSON object a line. Rows without a time of their own are as
    of now.

    Exit codes: 0 all rows fit, 1 some do not, 2 wrong mapping or file.
    """
    mapping = load_mapping(mapping_file)
    now = datetime.now(UTC)
    mapper = RowMapper(mapping, mapping.as_of or now, now)
    warnings = ImportWarnings(mapping)
    kinds: Counter[str] = Counter()
    rows = rejected = 0
    with FileReader(file, sys.stdin.buffer, mapping, format_of(file, mapping, given_format)) as reader:
        for row in reader:
            mapped = mapper.events_of(row) if isinstance(row, Row) else MappedRow([], [Reject("", "", row.reason)])
            if isinstance(row, Row):
                warnings.observe(row, mapped)
            rows += 1
            rejected += bool(mapped.rejects)
            kinds.update(_kind(event) for _, event in mapped.events)
            if rows <= limit:
                click.echo(_json(row, mapped) if as_json else "\n".join(_lines(row, mapped)))
    if not as_json:
        click.echo(f"{plural(rows, 'row')}: {plural(kinds.total(), 'event')}, {rejected:,} with rejects")
        for kind, count in kinds.items():
            click.echo(f"  {kind:<22} {count:>12,}")
        for odd in warnings.messages():
            click.echo(f"warning: {printable(odd)}", err=True)
    raise click.exceptions.Exit(1 if rejected else 0)


def _kind(event: Event) -> str:
    return str(event.__struct_config__.tag)


def _lines(row: AnyRow, mapped: MappedRow) -> Iterator[str]:
    yield f"row {row.line}" + ("" if mapped.events or mapped.rejects else ": no event")
    for _, event in mapped.events:
        fields = msgspec.to_builtins(event)
        own = ", ".join(f"{name}={brief(str(value))}" for name, value in fields.items() if name not in _ALWAYS)
        yield f"  {_kind(event):<22} {brief(event.dossier)}  {fields['occurred_at']}  {own}".rstrip()
    for reject in mapped.rejects:
        where = f"{row.place(reject.column)} {reject.column}".strip()
        value = f" {brief(reject.value)!s}" if reject.value else ""
        yield f"  rejected {reject.event or 'row':<13} {printable(where)}:{value} {printable(reject.reason)}"


def _json(row: AnyRow, mapped: MappedRow) -> str:
    shown: dict[str, Any] = {
        "row": row.line,
        "events": [event for _, event in mapped.events],
        "rejects": mapped.rejects,
    }
    return printable(msgspec.json.encode(shown).decode())
