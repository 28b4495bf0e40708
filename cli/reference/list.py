"""`dossier reference list`: what is declared now."""

import csv
import sys

import click
from rich.table import Table

from cli.console import console
from cli.reference.arguments import kind_argument, record_of
from cli.report_output import csv_cell
from cli.settings import Settings
from cli.terminal_escape import brief, print_json
from connectors.reference.writing import cell
from streams.reference.kinds import KINDS, KindName
from streams.reference.loads import content, current
from streams.storage.clickhouse_client import database


@click.command("list", short_help="List what is declared.")
@kind_argument
@click.option("--csv", "shape", flag_value="csv", help="Print CSV that can be loaded again.")
@click.option("--json", "shape", flag_value="json", help="Print JSON that can be loaded again.")
@click.option(
    "--exact",
    is_flag=True,
    help="CSV for programs: no quote before = + - @, which keeps spreadsheets from computing text.",
)
@click.option("--names", is_flag=True, help="Officials: their names too, where this ClickHouse user may read them.")
@click.pass_obj
def command(settings: Settings, kind: KindName, shape: str | None, exact: bool, names: bool) -> None:
    """List what the current load of KIND declares, a line for each version.

    Exit codes: 0 listed, 2 the database is not migrated, 3 ClickHouse is away or refuses to show names.
    """
    if exact and shape != "csv":
        raise click.UsageError("--exact is for --csv; JSON is always exact")
    if names and kind != "officials":
        raise click.UsageError("--names is for officials: names of agencies and procedures are always listed")
    with database(settings.clickhouse) as client:
        declared = content(client, KINDS[kind], current(client, kind), with_names=names)
    records = [record_of(each, with_name=names) for each in declared]
    if shape == "json":
        print_json(records)
        return
    columns = list(records[0]) if records else []
    if shape == "csv" and not records:
        # Not even a header: its line would be a file that cannot be loaded.
        return
    if shape == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        on_terminal = sys.stdout.isatty()
        writer.writerows(
            [csv_cell(cell(value), exact=exact, terminal=on_terminal) for value in record.values()]
            for record in records
        )
    elif records:
        table = Table()
        # A column without any value only takes room.
        shown = [name for name in columns if any(record[name] not in ("", []) for record in records)]
        for name in shown:
            table.add_column(name, no_wrap=name == "code")
        for record in records:
            table.add_row(*(brief(cell(record[name])) for name in shown))
        console().print(table)
    else:
        click.echo(f"no {kind} {'is' if kind == 'calendar' else 'are'} loaded: `dossier reference load {kind}` does")
