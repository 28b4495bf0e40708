"""`dossier reference unknown`: codes that were counted and are not declared."""

import click
from rich.table import Table

from cli.console import console
from cli.settings import Settings
from cli.terminal_escape import brief, plural, print_json
from streams.reference.loads import current
from streams.reference.undeclared import undeclared_codes
from streams.storage.clickhouse_client import database


@click.command("unknown", short_help="List codes that were counted and are not declared.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="How many codes to list of agencies, receiving offices, procedures and officials each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `total` and `codes`.")
@click.pass_obj
def command(settings: Settings, limit: int, as_json: bool) -> None:
    """List codes of agencies, receiving offices, procedures and officials that were counted and are not declared.

    Each with its dossiers and the sources of twenty of these, those of the most dossiers first. Their figures are
    under the code itself, beside the tree. Officials are listed once any are loaded.

    Exit codes: 0 listed, 2 the database is not migrated, 3 ClickHouse is away.
    """
    with database(settings.clickhouse) as client:
        found = undeclared_codes(client, limit)
        missing = [kind for kind in ("agencies", "procedures") if current(client, kind) is None]
    if as_json:
        print_json(found)
        return
    for kind in missing:
        click.echo(f"no {kind} are loaded, so none is declared: `dossier reference load {kind}` does", err=True)
    click.echo(f"{plural(found.total, 'code')} counted and not declared")
    if found.codes:
        table = Table("stands for", "code", "dossiers", "sources")
        table.columns[2].justify = "right"
        for each in found.codes:
            table.add_row(each.kind, brief(each.code), f"{each.dossiers:,}", brief(", ".join(each.sources)))
        console().print(table)
    if found.total > len(found.codes):
        click.echo(f"and {found.total - len(found.codes):,} more: `--limit` says how many are listed")
