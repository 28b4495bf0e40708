"""`dossier report`: the figures of each agency, as a table, CSV or JSON."""

import csv
import sys
from datetime import datetime, time, timedelta
from typing import Any

import click
from rich.table import Table

from cli.console import console
from cli.settings import Settings
from cli.terminal_escape import brief, print_json, printable
from connectors.files.formula_escape import escape_formula
from schemas.deployment_profile import Profile
from streams.reports.report import FIGURES, RATES, Freshness, Report, report

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("report")
@click.option(
    "--from", "since", type=_DAY, metavar="YYYY-MM-DD", help="First local day to count.  [default: the first there is]"
)
@click.option(
    "--to", "until", type=_DAY, metavar="YYYY-MM-DD", help="Last local day to count.  [default: the last there is]"
)
@click.option("--csv", "shape", flag_value="csv", help="Print all figures as CSV, one agency a line, the total last.")
@click.option("--json", "shape", flag_value="json", help="Print all figures as JSON, with `agencies` and `total`.")
@click.option(
    "--exact",
    is_flag=True,
    help="CSV for programs: no quote before = + - @, which keeps spreadsheets from computing text.",
)
@click.pass_obj
def command(settings: Settings, since: datetime | None, until: datetime | None, shape: str | None, exact: bool) -> None:
    """Show received, online rate, resolved, on-time rate, open and overdue dossiers of each agency.

    Open and overdue are as of now. A rate without a denominator is empty, never 0.

    Exit codes: 0 printed, 2 the database is not migrated, 3 ClickHouse is away.
    """
    if exact and shape != "csv":
        raise click.UsageError("--exact is for --csv; JSON is always exact")
    zone = settings.profile.zone
    found = report(
        settings.clickhouse,
        settings.profile,
        since and datetime.combine(since, time(), zone),
        until and datetime.combine(until + timedelta(days=1), time(), zone),
    )
    if shape == "json":
        print_json(found)
    elif shape == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(["agency", *FIGURES, *RATES])
        for row in (*found.agencies, {"agency": ""} | found.total):
            agency = csv_cell(row["agency"], exact=exact, terminal=sys.stdout.isatty())
            writer.writerow([agency, *(row[name] for name in (*FIGURES, *RATES))])
    else:
        show(found, settings.profile)


def csv_cell(text: str, *, exact: bool, terminal: bool) -> str:
    """Foreign text in CSV: unless it is `exact`, no spreadsheet computes it; on a terminal it is escaped."""
    cell = text if exact else escape_formula(text)
    return printable(cell) if terminal else cell


def show(found: Report, profile: Profile) -> None:
    """Print the report as a table with a line on how fresh it is."""
    table = Table(caption_justify="left")
    for heading in ("Agency", "Received", "Online", "Resolved", "On time", "Open", "Overdue"):
        table.add_column(heading, justify="left" if heading == "Agency" else "right")
    for row in found.agencies:
        table.add_row(brief(row["agency"]), *_figures(row))
    table.add_section()
    table.add_row("Total", *_figures(found.total), style="bold")
    terminal = console()
    terminal.print(table)
    terminal.print(_freshness(found.freshness, found.as_of, profile), soft_wrap=True)


def _figures(row: dict[str, Any]) -> list[str]:
    def rate(name: str) -> str:
        return "no data" if row[name] is None else f"{row[name]:.1%}"

    return [
        f"{row['received']:,}",
        rate("online_rate"),
        f"{row['resolved']:,}",
        rate("on_time_rate"),
        f"{row['open']:,}",
        f"{row['overdue']:,}",
    ]


def _freshness(fresh: Freshness, as_of: datetime, profile: Profile) -> str:
    if fresh.occurred_at is None or fresh.published_at is None or fresh.counted_at is None:
        return "No events have been counted yet."
    local = fresh.occurred_at.astimezone(profile.zone)
    behind = (fresh.counted_at - fresh.published_at).total_seconds()
    return (
        f"Newest event of {local:%Y-%m-%d %H:%M} ({profile.time_zone}), published {_ago(as_of - fresh.published_at)} "
        f"ago, counted within {max(behind, 0.0):.1f} s. Terms are compared by {profile.terms}."
    )


def _ago(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0.0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
