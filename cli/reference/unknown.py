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
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `codes`.")
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """List codes of agencies, receiving offices and procedures that were counted and are not declared.

    Each with its dossiers and the sources of a hundred of these, those of the most dossiers first. Their figures are
    under the code itself, beside the tree.

    Exit codes: 0 listed, 2 the database is not migrated, 3 ClickHouse is away.
    """
    with database(settings.clickhouse) as client:
        codes = undeclared_codes(client)
        missing = [kind for kind in ("agencies", "procedures") if current(client, kind) is None]
    if as_json:
        print_json({"codes": codes})
        return
    for kind in missing:
        click.echo(f"no {kind} are loaded, so none is declared: `dossier reference load {kind}` does", err=True)
    click.echo(f"{plural(len(codes), 'code')} counted and not declared")
    if codes:
        table = Table("stands for", "code", "dossiers", "sources")
        table.columns[2].justify = "right"
        for each in codes:
            table.add_row(each.kind, brief(each.code), f"{each.dossiers:,}", brief(", ".join(each.sources)))
        console().print(table)
