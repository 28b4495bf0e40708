"""`dossier reference history`: all loads, the newest first."""

import click

from cli.reference.arguments import optional_kind_argument
from cli.settings import Settings
from cli.terminal_escape import print_json, printable
from streams.reference.kinds import KindName
from streams.reference.loads import history
from streams.storage.clickhouse_client import database


@click.command("history", short_help="List all loads: when, by whom, what changed.")
@optional_kind_argument
@click.option("--changes", "in_full", is_flag=True, help="Print the changes of each load, not only their number.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `loads`.")
@click.pass_obj
def command(settings: Settings, kind: KindName | None, in_full: bool, as_json: bool) -> None:
    """List all loads of KIND, or of all kinds, the newest first: number, time, who, rows, digest, files and changes.

    Exit codes: 0 listed, 2 the database is not migrated, 3 ClickHouse is away.
    """
    with database(settings.clickhouse) as client:
        loads = history(client, kind)
    if as_json:
        print_json({"loads": loads})
        return
    if not loads:
        click.echo(f"no {kind or 'reference data'} has been loaded: `dossier reference load` does")
    for load in loads:
        at = load.loaded_at.astimezone(settings.profile.zone).isoformat(sep=" ", timespec="seconds")
        origin = f"restored from {load.restored_from}" if load.restored_from else ", ".join(load.files)
        parts = [load.kind, str(load.load), at, load.loaded_by, f"{load.rows:,} rows", load.digest[:12], origin]
        click.echo("  ".join(map(printable, (*parts, load.summary))))
        if in_full:
            for line in load.changes.split("\n")[1:]:
                click.echo(f"    {printable(line)}")
