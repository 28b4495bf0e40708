"""`dossier import`: the rows of a file become events on Kafka."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec

from cli.dry_run import publisher_unless
from cli.progress import Display
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from cli.terminal_escape import printable
from connectors.files.cell_values import Clock, to_instant
from connectors.files.file_import import Import, ImportCounts
from connectors.files.file_reader import STDIN, FileReader, format_of
from connectors.files.import_log import ImportRecord, import_number, imported
from connectors.files.mapping import FORMATS, Mapping
from connectors.files.mapping_checks import check_encoding
from connectors.files.mapping_file import load_mapping
from connectors.files.rejects_file import RejectsFile
from connectors.files.row_mapper import RowMapper
from connectors.files.text_lines import NO_LINE_END
from schemas.envelope import FUTURE_TOLERANCE

STOP_SECONDS = 15.0
"""How long a stopped import waits for acknowledgements."""
_NO_LINE_END = (
    "the last line has no line end and was not published: the input may have been cut off. Import it whole, or give "
    "--whole if this is all of it"
)
_UNCLOSED = (
    "the last value is never closed and was not published: the input was cut off, or a quote or bracket is missing. "
    "Import it whole"
)


@click.command("import")
@click.argument("file")
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(path_type=Path),
    required=True,
    help="Mapping from columns to events (TOML).",
)
@click.option(
    "--format", "given_format", type=click.Choice(FORMATS), help="Format of the file.  [default: by its extension]"
)
@click.option("--encoding", help="Encoding of the file, such as cp1258; overrides the mapping.")
@click.option("--as-of", help="When the source exported the file (ISO 8601); overrides the mapping.")
@click.option(
    "--rejects",
    "rejects_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for rejected rows.  [default: in the data directory]",
)
@click.option(
    "--max-rejects",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Share of rejects, from 0 to 1, above which the import stops.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Rejects for programs: no quote before = + - @, which keeps spreadsheets from computing text.",
)
@click.option("--whole", is_flag=True, help="Publish the last line of standard input even if it has no line end.")
@click.option("--wait", is_flag=True, help="Return when everything that was published is counted.")
@click.option("--dry-run", is_flag=True, help="Read and check all rows, and publish nothing.")
@click.pass_obj
def command(
    settings: Settings,
    file: str,
    mapping_file: Path,
    given_format: str | None,
    encoding: str | None,
    as_of: str | None,
    rejects_file: Path | None,
    max_rejects: float,
    exact: bool,
    whole: bool,
    wait: bool,
    dry_run: bool,
) -> None:
    """Publish the rows of FILE as events: CSV, JSON, JSON lines, Parquet, XLSX or XES; - is standard input.

    A file that is imported again counts nothing twice. Rows that do not fit the mapping are rejected: they go into a
    file, each with its place and the reason. Correct that file, and import it with the same mapping.

    Exit codes: 0 done, 2 wrong mapping or file, 3 Kafka is away, 4 too many rejects, 130 or 143 stopped.
    """
    now = datetime.now(UTC)
    mapping = load_mapping(mapping_file)
    if encoding is not None:
        mapping = msgspec.structs.replace(mapping, encoding=_checked(encoding))
    if as_of is not None:
        mapping = msgspec.structs.replace(mapping, recorded_at=None)
    exported_at = _exported_at(file, mapping, as_of, now)
    rejects_path = _rejects_path(settings, file, rejects_file, now)
    started = time.monotonic()
    with (
        FileReader(
            file,
            sys.stdin.buffer,
            mapping,
            format_of(file, mapping, given_format),
            whole=whole or file != STDIN,
        ) as rows,
        Stop() as stop,
        publisher_unless(dry_run, settings) as publisher,
        ExitStack() as stack,
    ):
        number = import_number(settings.kafka, _imported(file, mapping, exported_at, now)) if publisher else None
        rejects = stack.enter_context(RejectsFile(rejects_path, file, exported_at, number, exact=exact))
        rule = RowMapper(mapping, exported_at, now, number or 0, ignores_origin=as_of is not None)
        job = Import(rule, publisher.publish if publisher else lambda _: None, rejects, max_rejects=max_rejects)
        try:
            with Display() as display:
                position = partial(_position, job.counts, rows, started)
                _run(job, rows, stop, partial(display.tick, position))
                if publisher:
                    publisher.flush(STOP_SECONDS if stop.signal else None)
        finally:
            click.echo(_summary(job.counts, rejects, time.monotonic() - started, dry_run=dry_run))
        if not stop.signal:
            for odd in job.warnings.messages():
                click.echo(f"warning: {printable(odd)}", err=True)
        if rows.truncation:
            click.echo(_NO_LINE_END if rows.truncation == NO_LINE_END else _UNCLOSED, err=True)
        if wait and publisher and not stop.signal:
            _wait(settings, stop)
    if stop.signal:
        click.echo(f"stopped after row {job.counts.rows}: import again to go on, nothing is counted twice", err=True)
        raise click.exceptions.Exit(stop.exit_code)


def _run(job: Import, rows: FileReader, stop: Stop, tick: Callable[[], None]) -> None:
    try:
        for _ in job.run(stop.each(rows)):
            tick()
    except Interrupted:
        return


def _wait(settings: Settings, stop: Stop) -> None:
    from streams.storage.counting_progress import Lag, wait_until_counted

    with Display() as display:

        def on_progress(lag: Lag) -> None:
            display.tick(lambda: f"waiting until all is counted: {lag.left:,} records left")

        try:
            with stop.waiting():
                wait_until_counted(settings.kafka, settings.clickhouse, on_progress)
        except Interrupted:
            return
    click.echo("everything published so far is counted")


def _checked(encoding: str) -> str:
    try:
        check_encoding(encoding)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--encoding") from error
    return encoding


def _exported_at(file: str, mapping: Mapping, as_of: str | None, now: datetime) -> datetime:
    if as_of is not None:
        try:
            exported_at = to_instant(as_of, Clock(mapping.zone))
        except ValueError as error:
            raise click.BadParameter(f"{as_of!r} {error}", param_hint="--as-of") from error
    elif mapping.as_of is not None:
        exported_at = mapping.as_of
    elif file == STDIN or not Path(file).is_file():
        exported_at = now
    else:
        exported_at = min(datetime.fromtimestamp(Path(file).stat().st_mtime, UTC), now)
    if exported_at > now + FUTURE_TOLERANCE:
        raise click.BadParameter(f"{exported_at.isoformat()} lies in the future", param_hint="--as-of or as_of")
    return exported_at


def _imported(file: str, mapping: Mapping, exported_at: datetime, now: datetime) -> ImportRecord:
    path = Path(file)
    # A pipe can be read only once, so it is another import each time.
    return imported(path if file != STDIN and path.is_file() else None, mapping, exported_at, now)


def _rejects_path(settings: Settings, file: str, given: Path | None, now: datetime) -> Path:
    if given is None:
        name = "stdin" if file == STDIN else Path(file).name
        return settings.data / "rejects" / f"{name}-{now:%Y%m%dT%H%M%S%f}.csv"
    if file != STDIN and given.exists() and given.samefile(file):
        raise click.BadParameter(f"{given} is the file that is to be imported", param_hint="--rejects")
    # Rejects of an earlier import do not belong to this one.
    given.unlink(missing_ok=True)
    return given


def _position(counts: ImportCounts, rows: FileReader, started: float) -> str:
    seconds = time.monotonic() - started
    share = f" ({rows.read_bytes / rows.total_bytes:.0%})" if rows.total_bytes else ""
    return f"{_counts(counts)}{share}, {counts.rows / max(seconds, 0.001):,.0f} rows/s"


def _counts(counts: ImportCounts) -> str:
    return f"{counts.rows:,} rows: {counts.events:,} events, {counts.repeats:,} repeats, {counts.rejects:,} rejects"


def _summary(counts: ImportCounts, rejects: RejectsFile, seconds: float, *, dry_run: bool) -> str:
    lines = [
        f"rows       {counts.rows:>12,}" + (f"  ({counts.silent:,} gave no event)" if counts.silent else ""),
        f"{'events':<10} {counts.events:>12,}  {'not published: dry run' if dry_run else 'published'}",
        *(f"  {kind:<22} {count:>12,}" for kind, count in counts.kinds.items()),
        f"repeats    {counts.repeats:>12,}  skipped, already in this file",
        f"rejects    {counts.rejects:>12,}" + (f"  in {rejects.path}" if rejects.count else ""),
        f"seconds    {seconds:>12,.1f}",
    ]
    return "\n".join(lines)
