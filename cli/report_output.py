"""What the reports of `dossier report` print alike: cells of CSV, figures of a row, the line on how fresh they are."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cli.terminal_escape import printable
from connectors.files.formula_escape import escape_formula
from schemas.deployment_profile import Profile
from schemas.rule_names import TITLES
from streams.reports.report import Freshness


def csv_cell(text: str, *, exact: bool, terminal: bool) -> str:
    """Foreign text in CSV: unless it is `exact`, no spreadsheet computes it; on a terminal it is escaped."""
    cell = text if exact else escape_formula(text)
    return printable(cell) if terminal else cell


def rate_cell(rate: float | None) -> str:
    """A rate in a table."""
    return "no data" if rate is None else f"{rate:.1%}"


def figure_cells(row: Mapping[str, Any]) -> list[str]:
    """The six figures of a row in a table."""
    return [
        f"{row['received']:,}",
        rate_cell(row["online_rate"]),
        f"{row['resolved']:,}",
        rate_cell(row["on_time_rate"]),
        f"{row['open']:,}",
        f"{row['overdue']:,}",
    ]


def freshness_line(fresh: Freshness, as_of: datetime, profile: Profile) -> str:
    """How fresh the figures are, and by which rule terms are compared."""
    if fresh.occurred_at is None or fresh.published_at is None or fresh.counted_at is None:
        return "No events have been counted yet."
    local = fresh.occurred_at.astimezone(profile.zone)
    behind = (fresh.counted_at - fresh.published_at).total_seconds()
    return (
        f"Newest event of {local:%Y-%m-%d %H:%M} ({profile.time_zone}), published {_ago(as_of - fresh.published_at)} "
        f"ago, counted within {max(behind, 0.0):.1f} s. Terms are compared by {TITLES[profile.leading][1]}."
    )


def _ago(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0.0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
