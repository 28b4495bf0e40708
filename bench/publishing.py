"""`python -m bench.publishing`: files through `dossier import` to Kafka, how fast and in how much memory."""

import csv
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
import psutil
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench.command_options import command_of, data_option, out_options, write_result
from bench.deployment import Deployment
from bench.machine import Machine, this_machine
from bench.process_usage import NOTHING, Usage, usage
from bench.seed_case.case_lives import AGENCIES, CHANNELS, OUTCOMES, PROCEDURES, Lives, lives
from bench.seed_case.event_statements import local_time, names
from cli.signals import stop_signals

MAPPING = Path(__file__).with_suffix(".toml")
FORMATS = ("csv", "jsonl")
_COLUMNS = ("dossier", "agency", "procedure", "fee", "channel", "received", "term", "outcome", "resolved", "returned")
_PUBLISHED = re.compile(r"^events\s+([\d,]+)  published$", re.MULTILINE)


class Imported(Struct, frozen=True):
    """One file imported: wall and CPU seconds of the command from its start to its end, megabytes of 10^6 bytes."""

    format: str
    rows: int
    file_mb: float
    events: int
    seconds: float
    events_per_second: int
    cpu_seconds_per_million: float
    peak_mb: float


class Result(Struct, frozen=True):
    """The result file."""

    machine: Machine
    command: str
    rows: list[Imported]


@click.command()
@click.option(
    "--dossiers", type=click.IntRange(4), default=400_000, show_default=True, help="Rows of a file, 3.5 events each."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same files.")
@data_option("Where its own folder, bench-publishing, is made anew.")
@out_options("publishing")
def main(dossiers: int, seed: int, data: Path, out: Path) -> None:
    """Import the dossiers of the seed case from a file of each format, and a quarter of them, for how memory grows."""
    folder = data.absolute() / "bench-publishing"
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        deployment = stack.enter_context(Deployment(folder))
        imported = []
        for format_, count in ((FORMATS[0], dossiers // 4), *((format_, dossiers) for format_ in FORMATS)):
            file = folder / f"{count}.{format_}"
            rows = write(file, seed, count)
            click.echo(f"importing {rows:,} rows of {format_}", err=True)
            imported.append(import_file(deployment, file, rows))
    result = Result(this_machine(), command_of("bench.publishing"), imported)
    write_result(out, result)
    Console().print(_table(imported))


def write(file: Path, seed: int, dossiers: int) -> int:
    """Write the dossiers of the seed case as an export has them, a row each; returns how many rows there are."""
    rows = 0
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        if file.suffix == ".csv":
            table.writerow(_COLUMNS)
        for some in lives(seed, dossiers):
            for row in _rows(some):
                rows += 1
                if file.suffix == ".csv":
                    table.writerow(row)
                else:
                    stream.write(msgspec.json.encode(dict(zip(_COLUMNS, row, strict=True))).decode() + "\n")
    return rows


def import_file(deployment: Deployment, file: Path, rows: int) -> Imported:
    """Run the command on a file of so many rows; raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", "cli.main", "import", str(file), "--mapping", str(MAPPING)]
    begun = time.monotonic()
    with psutil.Popen(command, env=deployment.environment, stdout=subprocess.PIPE, text=True) as process:
        used = _watched(process)
        seconds = time.monotonic() - begun
        printed = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    found = _PUBLISHED.search(printed)
    if found is None:
        raise ValueError(f"the import does not say how many events it published: {printed}")
    events = int(found[1].replace(",", ""))
    return Imported(
        format=file.suffix[1:],
        rows=rows,
        file_mb=round(file.stat().st_size / 1e6, 1),
        events=events,
        seconds=round(seconds, 1),
        events_per_second=round(events / seconds),
        cpu_seconds_per_million=round(used.cpu_seconds / events * 1e6, 2),
        peak_mb=round(used.peak_mb, 1),
    )


def _watched(process: psutil.Popen) -> Usage:
    """What the process has used when it is over, or a moment before."""
    used = NOTHING
    while process.poll() is None:
        now = usage(process.pid)
        used = Usage(max(used.cpu_seconds, now.cpu_seconds), max(used.peak_mb, now.peak_mb))
        time.sleep(0.02)
    return used


def _rows(some: Lives) -> Iterator[tuple[object, ...]]:
    columns = (
        [AGENCIES[agency] for agency in some.agency],
        [PROCEDURES[procedure].code for procedure in some.procedure],
        some.bears_fee.astype(int).tolist(),
        [CHANNELS[channel] for channel in some.channel],
        map(local_time, some.received_at.tolist()),
        map(local_time, some.term.tolist()),
        [OUTCOMES[outcome] for outcome in some.outcome],
        map(local_time, some.ended_at.tolist()),
        map(local_time, some.returned_at.tolist()),
    )
    return zip(names(some), *columns, strict=True)


def _table(imported: list[Imported]) -> Table:
    shown = Table(title="dossier import, file to Kafka", caption="megabytes are the greatest that the command had")
    shown.add_column("")
    for heading in ("rows", "events", "seconds", "events/s", "CPU s per million", "MB"):
        shown.add_column(heading, justify="right")
    for each in imported:
        counts = (f"{each.rows:,}", f"{each.events:,}", f"{each.seconds:,.1f}", f"{each.events_per_second:,}")
        shown.add_row(each.format, *counts, f"{each.cpu_seconds_per_million:.1f}", f"{each.peak_mb:,.0f}")
    return shown


if __name__ == "__main__":
    main()
