"""`dossier report`: the figures of agencies or procedures, as a table, CSV or JSON."""

import csv
import sys
from datetime import datetime, time, timedelta

import click
from rich.table import Table

from cli.console import console
from cli.report_nodes import show_nodes, write_nodes
from cli.report_output import csv_cell, figure_cells, freshness_line
from cli.report_procedures import show_procedures, write_procedures
from cli.settings import Settings
from cli.terminal_escape import brief, print_json, printable
from schemas.deployment_profile import Profile
from schemas.reference.agency import LEVELS
from streams.reports.node_report import NodeReport, Selection, TreeAs, node_report
from streams.reports.procedure_report import By, procedure_report
from streams.reports.report import FIGURES, LED, RATES, Report, report

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("report")
@click.option(
    "--from", "since", type=_DAY, metavar="YYYY-MM-DD", help="First local day to count.  [default: the first there is]"
)
@click.option(
    "--to", "until", type=_DAY, metavar="YYYY-MM-DD", help="Last local day to count.  [default: the last there is]"
)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="Each agency of this level, with all agencies below it; with --agency those of the level below it.",
)
@click.option("--agency", metavar="CODE", help="This agency with all agencies below it, by its code or an alias.")
@click.option("--tree", is_flag=True, help="Each agency of the tree, or with --agency of the tree below it.")
@click.option(
    "--tree-as",
    type=click.Choice(["then", "today"]),
    help="Count a dossier where its agency belonged then, or belongs today: a successor then has the history of its "
    "predecessors.  [default: today]",
)
@click.option("--procedures", is_flag=True, help="Each procedure, and how many are offered and used online.")
@click.option(
    "--by", type=click.Choice(["procedure", "field"]), help="With --procedures: a line for each.  [default: procedure]"
)
@click.option("--csv", "shape", flag_value="csv", help="Print all figures as CSV, one agency or procedure a line.")
@click.option("--json", "shape", flag_value="json", help="Print all figures as JSON.")
@click.option(
    "--exact",
    is_flag=True,
    help="CSV for programs: no quote before = + - @, which keeps spreadsheets from computing text.",
)
@click.pass_obj
def command(
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    level: str | None,
    agency: str | None,
    tree: bool,
    tree_as: TreeAs | None,
    procedures: bool,
    by: By | None,
    shape: str | None,
    exact: bool,
) -> None:
    """Show received, online rate, resolved, on-time rate, open and overdue dossiers of each agency.

    Without --level, --agency or --tree, each code has a line of its own. Open and overdue are as of now. A rate without
    a denominator is empty, never 0.

    Exit codes: 0 printed, 2 wrong usage or the database is not migrated, 3 ClickHouse is away.
    """
    if exact and shape != "csv":
        raise click.UsageError("--exact is for --csv; JSON is always exact")
    of_nodes = bool(level or agency or tree)
    if tree_as and not of_nodes:
        raise click.UsageError("--tree-as is for --level, --agency and --tree")
    if procedures and of_nodes:
        raise click.UsageError("--procedures is of all agencies: leave --level, --agency and --tree out")
    if by and not procedures:
        raise click.UsageError("--by is for --procedures")
    if since and until and until < since:
        raise click.UsageError(f"--to {until:%Y-%m-%d} is before --from {since:%Y-%m-%d}")
    if procedures:
        _report_procedures(settings, by or "procedure", since, until, shape, exact)
        return
    zone = settings.profile.zone
    first = since and datetime.combine(since, time(), zone)
    end = until and datetime.combine(until + timedelta(days=1), time(), zone)
    if of_nodes:
        selection = Selection(level or "", agency or "", tree)
        _report_nodes(settings, selection, tree_as or "today", first, end, shape, exact)
        return
    found = report(settings.clickhouse, settings.profile, first, end)
    if shape == "json":
        print_json(found)
    elif shape == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(["agency", *FIGURES, *LED, *RATES])
        for row in (*found.agencies, {"agency": ""} | found.total):
            code = csv_cell(row["agency"], exact=exact, terminal=sys.stdout.isatty())
            writer.writerow([code, *(row[name] for name in (*FIGURES, *LED, *RATES))])
    else:
        show(found, settings.profile)


def show(found: Report, profile: Profile) -> None:
    """Print the report as a table with a line on how fresh it is."""
    table = Table(caption_justify="left")
    for heading in ("Agency", "Received", "Online", "Resolved", "On time", "Open", "Overdue"):
        table.add_column(heading, justify="left" if heading == "Agency" else "right")
    for row in found.agencies:
        table.add_row(brief(row["agency"]), *figure_cells(row))
    table.add_section()
    table.add_row("Total", *figure_cells(found.total), style="bold")
    terminal = console()
    terminal.print(table)
    terminal.print(freshness_line(found.freshness, found.as_of, profile), soft_wrap=True)


def _report_nodes(
    settings: Settings,
    selection: Selection,
    tree_as: TreeAs,
    first: datetime | None,
    end: datetime | None,
    shape: str | None,
    exact: bool,
) -> None:
    def read(selection: Selection) -> NodeReport:
        return node_report(settings.clickhouse, settings.profile, selection, tree_as, first, end)

    found = read(selection)
    if selection.agency and not (found.nodes or (selection.level and read(Selection(agency=selection.agency)).nodes)):
        raise click.UsageError(f"agency '{printable(selection.agency)}' is neither declared nor counted")
    if shape == "json":
        print_json(found)
    elif shape == "csv":
        write_nodes(found, exact=exact)
    else:
        show_nodes(found, settings.profile)
        if selection.level and not found.nodes:
            click.echo(_none_of(selection, tree_as))


def _none_of(selection: Selection, tree_as: TreeAs) -> str:
    """That the tree has no agency of the level, and where to look for it."""
    below = f" below {printable(selection.agency)}" if selection.agency else ""
    tree = "today's tree; `--tree-as then` has those of before" if tree_as == "today" else "the tree of these days"
    return (
        f"No agency of level {selection.level}{below} is in {tree}. `dossier reference list agencies` shows all that "
        "are declared."
    )


def _report_procedures(
    settings: Settings, by: By, since: datetime | None, until: datetime | None, shape: str | None, exact: bool
) -> None:
    found = procedure_report(settings.clickhouse, settings.profile, by, since and since.date(), until and until.date())
    if shape == "json":
        print_json(found)
    elif shape == "csv":
        write_procedures(found, exact=exact)
    else:
        show_procedures(found, settings.profile)
