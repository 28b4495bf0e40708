"""`dossier report --level` and `--tree`: the figures of agencies, each of itself with all below it."""

import csv
import sys

from rich.table import Table

from cli.console import console
from cli.report_output import csv_cell, figure_cells, freshness_line
from cli.terminal_escape import brief
from schemas.deployment_profile import Profile
from streams.reports.node_report import NodeReport
from streams.reports.report import FIGURES, LED, RATES

_LABELS = ("code", "name", "parent", "level", "group")


def write_nodes(found: NodeReport, *, exact: bool) -> None:
    """Print all figures as CSV, one agency a line, the total last."""
    writer = csv.writer(sys.stdout)
    writer.writerow([*_LABELS, *FIGURES, *LED, *RATES])
    for row in (*found.nodes, dict.fromkeys(_LABELS, "") | found.total):
        labels = [csv_cell(row[name], exact=exact, terminal=sys.stdout.isatty()) for name in _LABELS]
        writer.writerow([*labels, *(row[name] for name in (*FIGURES, *LED, *RATES))])


def show_nodes(found: NodeReport, profile: Profile) -> None:
    """Print the nodes as a table, those of a tree indented below the one above, and a line on how fresh it is."""
    table = Table(caption_justify="left")
    for heading in ("Agency", "Code", "Received", "Online", "Resolved", "On time", "Open", "Overdue"):
        table.add_column(heading, justify="left" if heading in ("Agency", "Code") else "right")
    for row in found.nodes:
        indent = "  " * (row.get("depth", 1) - 1)
        table.add_row(indent + brief(row["name"] or row["code"]), brief(row["code"]), *figure_cells(row))
    table.add_section()
    table.add_row("All agencies", "", *figure_cells(found.total), style="bold")
    terminal = console()
    terminal.print(table)
    terminal.print(freshness_line(found.freshness, found.as_of, profile), soft_wrap=True)
