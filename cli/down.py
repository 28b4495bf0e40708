"""`dossier down`: stop the embedded platform of a data directory."""

from pathlib import Path

import click

from cli.options import data_option
from deploy.embedded.stop import stop_platform


@click.command("down")
@data_option
@click.option("--quiet", is_flag=True, help="Print nothing.")
def command(data: Path, quiet: bool) -> None:
    """Stop the platform and wait until none of its processes runs. It is no error where nothing runs."""
    stopped = stop_platform(data.absolute())
    if not quiet:
        click.echo(f"stopped what ran in {data}" if stopped else f"nothing runs in {data}")
