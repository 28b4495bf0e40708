"""`dossier grafana`: dashboards and alert rules are built from code, checked against it, and published."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cli.settings import Settings
from cli.terminal_escape import printable
from grafana.build import FOLDER, artefacts, build, differing
from grafana.publish.documents import documents
from grafana.publish.plan import Change, plan
from schemas.errors import SettingError

_SHOWN = 20
_INTO = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the files.  [default: grafana/ of the code]",
)


@click.group("grafana")
def command() -> None:
    """Build dashboards and alert rules for Grafana from code, check that the files are up to date, or publish them."""


@command.command("build", short_help="Write the files that Grafana reads.")
@_INTO
def build_command(folder: Path) -> None:
    """Write the files that Grafana reads, where they differ from what the code builds."""
    changed = build(folder)
    for path in changed:
        click.echo(path)
    click.echo(f"{len(changed)} of {len(artefacts())} files changed", err=True)


@command.command("check", short_help="Report files that are out of date.")
@_INTO
def check_command(folder: Path) -> None:
    """Report the files that differ from what the code builds.

    Exit codes: 0 none differs, 1 some do.
    """
    changed = differing(folder)
    for path in changed:
        click.echo(f"{path} is out of date: run `dossier grafana build`", err=True)
    if changed:
        sys.exit(1)


@command.command("publish", short_help="Publish what differs to a Grafana server.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--prune", is_flag=True, help="Delete dashboards and rules with our mark that the code no longer builds.")
@click.pass_obj
def publish_command(settings: Settings, dry_run: bool, prune: bool) -> None:
    """Publish dashboards, alert rules, the data source and the playlist to DOSSIER_GRAFANA.

    Only what differs is written. Objects without our mark are never changed: if one is in the way, nothing is
    published. Objects that Grafana reads from provisioning files stay as they are.

    Exit codes: 0 published, 3 Grafana is away, 4 an object of somebody else is in the way.
    """
    from grafana.publish.grafana_client import Api
    from grafana.publish.publisher import apply, check, read_found

    grafana = settings.grafana
    if grafana is None or not grafana.token.reveal():
        raise SettingError("DOSSIER_GRAFANA and DOSSIER_GRAFANA_TOKEN must both be set: they say where to publish")
    if not grafana.reader.host:
        raise SettingError("DOSSIER_GRAFANA_CLICKHOUSE must be set: Grafana reaches ClickHouse at that host:port")
    wanted = documents(grafana.reader)
    api = Api(grafana.url, grafana.token)
    changes = plan(wanted, read_found(api, wanted), prune=prune)
    check(api, wanted.dashboards)
    if dry_run:
        for change in changes:
            _print_change(change)
    else:
        apply(api, changes, grafana.reader.password, _print_change)
    _sum_up(changes, dry_run=dry_run)


def _print_change(change: Change) -> None:
    if change.action != "keep":
        click.echo(f"{change.action:<6} {change.kind} {printable(change.name)}")
    for line in change.differences[:_SHOWN]:
        click.echo(f"         {printable(line)}")
    if (more := len(change.differences) - _SHOWN) > 0:
        click.echo(f"         and {more} more")


def _sum_up(changes: Sequence[Change], *, dry_run: bool) -> None:
    written = sum(bool(change.method) for change in changes)
    summary = f"{written} of {len(changes)} objects {'would change' if dry_run else 'changed'}"
    locked = sum(change.action == "locked" for change in changes)
    click.echo(
        summary + (f"; {locked} are locked: Grafana reads them from provisioning files" if locked else ""), err=True
    )
