"""`dossier reference restore`: an earlier load becomes the current one again."""

import click

from cli.reference.arguments import by_option, kind_argument
from cli.reference.output import print_deciding, print_loaded
from cli.settings import Settings
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import restore
from streams.storage.clickhouse_client import database


@click.command("restore", short_help="Load again what an earlier load had.")
@kind_argument
@click.argument("number", type=click.IntRange(1))
@by_option
@click.pass_obj
def command(settings: Settings, kind: KindName, number: int, by: str) -> None:
    """Load again what load NUMBER had, as a new load. `history` shows the numbers.

    Officials get the names that are known now: names of former loads are not kept.

    Exit codes: 0 restored or the same, 1 somebody else loaded meanwhile, 2 there is no such load or the database is not
    migrated, 3 ClickHouse is away.
    """
    with database(settings.clickhouse) as client:
        print_loaded(client, kind, restore(client, KINDS[kind], number, by=by))
        print_deciding(client, kind, settings.profile)
