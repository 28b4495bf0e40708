"""`dossier demo`: the whole pipeline once, on the sample log."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from msgspec import structs

from cli.embedded_platform import counting_options
from cli.import_ import command as import_command
from cli.options import data_option
from cli.progress import Display
from cli.report import show
from cli.settings import Settings
from cli.signals import stop_signals
from cli.watch import show as show_wallboard
from deploy.embedded.platform import Platform
from streams.reports.report import report, stored_events

_READING_SECONDS = 5.0
"""Time to read the figures before the wallboard covers them."""
SAMPLES = Path(__file__).parent.parent / "samples"


@click.command("demo")
@data_option
@click.option(
    "--live/--no-live",
    default=lambda: sys.stdin.isatty() and sys.stdout.isatty(),
    help="Then show simulated traffic on the wallboard until q is pressed.  [default: on a terminal]",
)
@click.pass_context
def command(context: click.Context, data: Path, *, live: bool) -> None:
    """Start the platform, import the sample log, wait until it is counted, print the figures, and stop.

    On a terminal, it then shows simulated traffic on the wallboard. A second run resumes from the first one's data and
    finds nothing new in the log.
    """
    given: Settings = context.obj
    profile = None if (data / "profile.toml").exists() else SAMPLES / "profile.toml"
    display = Display()
    # Nobody sends anything into the inbox of a demo.
    options = replace(counting_options(given, data.absolute(), profile), services={})
    platform = Platform(data, options, display)
    with stop_signals(platform.stop_soon, platform.kill), contextlib.ExitStack() as stack:
        with display:
            stack.enter_context(platform)
        context.obj = settings = structs.replace(
            given,
            data=data.absolute(),
            kafka_address=platform.kafka_access,
            clickhouse_address=structs.replace(platform.clickhouse_access, database=given.database),
        )
        before = stored_events(settings.clickhouse)
        context.invoke(
            import_command,
            file=str(SAMPLES / "wabo-receipt.csv"),
            mapping_file=SAMPLES / "wabo-receipt.toml",
            given_format=None,
            as_of=None,
            rejects_file=None,
            max_rejects=0.05,
            wait=True,
            dry_run=False,
        )
        after = stored_events(settings.clickhouse)
        click.echo(f"{after:,} events are counted, {after - before:,} of them new\n")
        show(report(settings.clickhouse, settings.profile), settings.profile)
        if live:
            click.echo("\nSimulated traffic follows, shown on the wallboard of `dossier watch`; q ends it.")
            time.sleep(_READING_SECONDS)
            with _traffic(data.absolute()):
                show_wallboard(settings.clickhouse, "day", 1.0, contextlib.nullcontext)
        click.echo("\nThe platform stops now and keeps its data. `dossier up` starts it again; see README.md for more.")


@contextlib.contextmanager
def _traffic(data: Path) -> Iterator[None]:
    """Publish simulated events to the platform of this directory while the block runs."""
    command = [sys.executable, "-m", "cli.main", "simulate", "--rate", "50"]
    quiet = subprocess.DEVNULL
    environment = os.environ | {"DOSSIER_DATA": str(data)}
    with subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet) as traffic:
        try:
            yield
        finally:
            traffic.terminate()
