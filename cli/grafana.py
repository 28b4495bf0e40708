"""`dossier grafana`: dashboards and alerts as files, made from code and held against it."""

import sys
from pathlib import Path

import click

from grafana.build import FOLDER, artefacts, build, differing

_INTO = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the files.  [default: that of the code]",
)


@click.group("grafana", short_help="Make dashboards and alerts for Grafana.")
def grafana_group() -> None:
    """Make dashboards and alerts for Grafana from code, and check that the files are up to date."""


@grafana_group.command("build", short_help="Write the files that Grafana reads.")
@_INTO
def build_command(folder: Path) -> None:
    """Write the files that Grafana reads: only those that differ from what the code makes."""
    changed = build(folder)
    for path in changed:
        click.echo(path)
    click.echo(f"{len(changed)} of {len(artefacts())} files changed", err=True)


@grafana_group.command("check", short_help="Say which files are out of date.")
@_INTO
def check_command(folder: Path) -> None:
    """Say which files differ from what the code makes; exit 1 where any does."""
    changed = differing(folder)
    for path in changed:
        click.echo(f"{path} is out of date: run `dossier grafana build`", err=True)
    if changed:
        sys.exit(1)
