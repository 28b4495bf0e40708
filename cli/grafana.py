"""`dossier grafana`: dashboards and alerts as files, made from code and held against it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cli.settings import Settings
from cli.terminal import printable
from grafana.build import FOLDER, artefacts, build, differing
from grafana.publish.documents import documents
from grafana.publish.plan import Change, plan
from schemas.errors import SettingError

_SHOWN = 20
_INTO = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the files.  [default: that of the code]",
)


@click.group("grafana")
def command() -> None:
    """Make dashboards and alerts for Grafana from code, and check that the files are up to date."""


@command.command("build", short_help="Write the files that Grafana reads.")
@_INTO
def build_command(folder: Path) -> None:
    """Write the files that Grafana reads: only those that differ from what the code makes."""
    changed = build(folder)
    for path in changed:
        click.echo(path)
    click.echo(f"{len(changed)} of {len(artefacts())} files changed", err=True)


@command.command("check", short_help="Say which files are out of date.")
@_INTO
def check_command(folder: Path) -> None:
    """Say which files differ from what the code makes; exit 1 where any does."""
    changed = differing(folder)
    for path in changed:
        click.echo(f"{path} is out of date: run `dossier grafana build`", err=True)
    if changed:
        sys.exit(1)


@command.command("publish", short_help="Publish to a Grafana what differs there.")
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
@click.option("--prune", is_flag=True, help="Delete dashboards and rules that bear our mark and are made no more.")
@click.pass_obj
def publish_command(settings: Settings, dry_run: bool, prune: bool) -> None:
    """Publish dashboards, alert rules, the data source and the playlist to DOSSIER_GRAFANA.

    Only what differs is written, so a second time nothing is. What belongs to others is never touched: where it stands
    in the way, nothing at all is published, with exit 4. What Grafana reads from provisioning files stays as it is.
    """
    from grafana.publish.grafana_client import Api  # with its client, which no other command needs
    from grafana.publish.publisher import apply, check, read_found

    grafana = settings.grafana
    if grafana is None or not grafana.token.reveal():
        raise SettingError("DOSSIER_GRAFANA and DOSSIER_GRAFANA_TOKEN say where to publish: both are needed")
    if not grafana.reader.host:
        raise SettingError("DOSSIER_GRAFANA_CLICKHOUSE says where Grafana finds ClickHouse: host:port is needed")
    wanted = documents(grafana.reader)
    api = Api(grafana.url, grafana.token)
    changes = plan(wanted, read_found(api, wanted), prune=prune)
    check(api, wanted.dashboards)
    if dry_run:
        for change in changes:
            _tell(change)
    else:
        apply(api, changes, grafana.reader.password, _tell)
    _sum_up(changes, dry_run=dry_run)


def _tell(change: Change) -> None:
    if change.action != "keep":
        click.echo(f"{change.action:<6} {change.kind} {printable(change.name)}")
    for line in change.differences[:_SHOWN]:
        click.echo(f"         {printable(line)}")
    if (more := len(change.differences) - _SHOWN) > 0:
        click.echo(f"         and {more} more")


def _sum_up(changes: Sequence[Change], *, dry_run: bool) -> None:
    written = sum(bool(change.method) for change in changes)
    said = f"{written} of {len(changes)} objects {'would change' if dry_run else 'changed'}"
    locked = sum(change.action == "locked" for change in changes)
    click.echo(
        said + (f"; {locked} are locked: Grafana reads them from provisioning files" if locked else ""), err=True
    )
