"""`dossier demo`: everything once, on a real log, in front of your eyes."""

import contextlib
import functools
from pathlib import Path

import click

from cli.display import Display
from cli.importing import import_file
from cli.platform import SETUP, WORKER, data_option, worker_joined
from cli.report import show
from cli.settings import Settings
from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from streams.report import report, stored_events

SAMPLES = Path(__file__).parent.parent / "samples"


@click.command("demo", short_help="Start, import the sample log, show its figures, stop.")
@data_option
@click.pass_context
def demo(context: click.Context, data: Path) -> None:
    """Start the platform, import the sample log, wait until it is counted, print the figures, and stop.

    A second run starts where the first stopped and finds nothing new.
    """
    options = Options(
        workers=2,
        profile=None if (data / "profile.toml").exists() else SAMPLES / "profile.toml",
        setup=SETUP,
        worker=lambda name: (*WORKER, "--name", name),
        worker_ready=functools.partial(worker_joined, data.absolute()),
    )
    display = Display()
    platform = Platform(data, options, display)
    with stop_signals(platform.stop_soon, platform.kill), contextlib.ExitStack() as stack:
        with display:
            stack.enter_context(platform)
        settings = Settings.from_env({"DOSSIER_DATA": str(data.absolute())})
        context.obj = settings
        before = stored_events(settings.clickhouse)
        context.invoke(
            import_file,
            file=str(SAMPLES / "wabo-receipt.csv"),
            mapping_file=SAMPLES / "wabo-receipt.toml",
            told_format=None,
            as_of=None,
            rejects_file=None,
            max_rejects=0.05,
            wait=True,
            dry_run=False,
        )
        after = stored_events(settings.clickhouse)
        click.echo(f"{after:,} events are counted, {after - before:,} of them new\n")
        show(report(settings.clickhouse, settings.profile), settings.profile)
        click.echo(
            "\nIt stops now and keeps its data. `dossier up` starts it again; see README.md for what to try next."
        )
