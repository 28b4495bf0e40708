"""`dossier report --procedures`: the figures of procedures or of their fields, and how many are offered online."""

import csv
import sys
from typing import Any

from rich.table import Table

from cli.console import console
from cli.report_output import csv_cell, freshness_line, rate_cell
from cli.terminal_escape import brief, plural
from schemas.deployment_profile import Profile
from streams.reports.node_report import NOT_DECLARED
from streams.reports.procedure_report import ProcedureReport

_FIGURES = (
    *(
        "received",
        "received_online",
        "resolved",
        "resolved_on_time",
        "judged",
        "on_time",
        "on_time_rate",
        "median_days",
        "p90_days",
    ),
    *("open", "overdue"),
)
_LABELS = {"procedure": ("procedure", "name_vi", "field", "service_level"), "field": ("field",)}


def write_procedures(found: ProcedureReport, *, exact: bool) -> None:
    """Print all figures as CSV, one procedure or field a line."""
    writer = csv.writer(sys.stdout)
    labels = _LABELS[found.by]
    writer.writerow([*labels, *_FIGURES])
    for row in found.rows:
        cells = [csv_cell(row[name], exact=exact, terminal=sys.stdout.isatty()) for name in labels]
        writer.writerow([*cells, *(row[name] for name in _FIGURES)])


def show_procedures(found: ProcedureReport, profile: Profile) -> None:
    """Print the report as a table with the table of online services below it."""
    table = Table(caption_justify="left")
    names = ("Field",) if found.by == "field" else ("Procedure", "Code")
    for heading in names:
        table.add_column(heading)
    for heading in ("Received", "Online", "Resolved", "On time", "Median days", "P90 days", "Open", "Overdue"):
        table.add_column(heading, justify="right")
    for row in found.rows:
        table.add_row(*(brief(text) for text in _names(found, row)), *_cells(row))
    terminal = console()
    terminal.print(table)
    offered = found.services
    share = f" ({offered.online / offered.procedures:.1%})" if offered.procedures else ""
    terminal.print(
        f"{offered.online:,} of {plural(offered.procedures, 'procedure')} offered online{share}: {offered.full:,} in "
        f"full, {offered.partial:,} in part. Of those offered online {offered.online_used:,} used, "
        f"{offered.online_used_online:,} used online; of all {offered.used:,} used, {offered.used_online:,} used "
        "online.",
        soft_wrap=True,
    )
    terminal.print(freshness_line(found.freshness, found.as_of, profile), soft_wrap=True)


def _names(found: ProcedureReport, row: dict[str, Any]) -> tuple[str, ...]:
    if found.by == "field":
        return (row["field"] or NOT_DECLARED,)
    return (row["name_vi"] or NOT_DECLARED, row["procedure"])


def _cells(row: dict[str, Any]) -> list[str]:
    days = ("–" if row[name] is None else f"{row[name]:.1f}" for name in ("median_days", "p90_days"))
    return [
        f"{row['received']:,}",
        f"{row['received_online']:,}",
        f"{row['resolved']:,}",
        rate_cell(row["on_time_rate"]),
        *days,
        f"{row['open']:,}",
        f"{row['overdue']:,}",
    ]
