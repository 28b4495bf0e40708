"""`dossier reference diff`: what a load of files would change."""

from pathlib import Path

import click

from cli.reference.arguments import files_argument, kind_argument, read
from cli.reference.output import print_changes, removed_yet_counted, warn_of_removed
from cli.settings import Settings
from cli.terminal_escape import print_json
from schemas.reference.changes import summary
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import changes, current, declared_names
from streams.storage.clickhouse_client import database


@click.command("diff", short_help="Say what a load of files would change.")
@kind_argument
@files_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `summary`, `changes` and `still_counted`.")
@click.pass_obj
def command(settings: Settings, kind: KindName, files: tuple[Path, ...], as_json: bool) -> None:
    """Say what a load of these files would change. Nothing is loaded.

    Exit codes: 0 compared, 2 a file cannot be read or the database is not migrated, 3 ClickHouse is away, 4 there are
    findings, as `check` shows them.
    """
    after = read(kind, files)
    with database(settings.clickhouse) as client:
        before = declared_names(client, KINDS[kind], current(client, kind))
        changed = changes(client, KINDS[kind], after)
        counted = removed_yet_counted(client, kind, before, after)
    if as_json:
        print_json({"summary": summary(changed), "changes": changed, "still_counted": counted})
        return
    print_changes(changed)
    warn_of_removed(kind, counted)
