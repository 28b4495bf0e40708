"""`dossier reference load`: files of reference data become the current load."""

from pathlib import Path

import click

from cli.reference.arguments import by_option, files_argument, kind_argument, read
from cli.reference.output import print_deciding, print_loaded, removed_yet_counted, warn_of_removed
from cli.settings import Settings
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import current, declared_names, write
from streams.storage.clickhouse_client import database


@click.command("load", short_help="Load files: all or nothing.")
@kind_argument
@files_argument
@by_option
@click.pass_obj
def command(settings: Settings, kind: KindName, files: tuple[Path, ...], by: str) -> None:
    """Load these files as all that there is of KIND. Where anything is wrong in them, nothing is loaded.

    What was loaded before stays in the history and can be restored. Files with the same content as the current load are
    no load.

    Agencies, procedures and the calendar decide terms, too: at once where no dossier that is counted depends on what
    changes, and otherwise after `dossier rebuild`. The command says which.

    Exit codes: 0 loaded or the same, 1 somebody else loaded meanwhile, 2 a file cannot be read or the database is not
    migrated, 3 ClickHouse is away, 4 there are findings, as `check` shows them.
    """
    after = read(kind, files)
    with database(settings.clickhouse) as client:
        before = declared_names(client, KINDS[kind], current(client, kind))
        loaded = write(client, KINDS[kind], after, by=by, files=[file.name for file in files])
        print_loaded(client, kind, loaded)
        print_deciding(client, kind, settings.profile)
        warn_of_removed(kind, removed_yet_counted(client, kind, before, after) if loaded else {})
