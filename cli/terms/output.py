"""How explanations of terms are printed."""

from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.terminal_escape import printable
from cli.terms.arguments import local_text
from schemas.working_time.duration import amount_text
from schemas.working_time.explanation import Explanation


def print_explanation(explained: Explanation, unit: str, zone: ZoneInfo) -> None:
    """Print a line for each day: what it counts, its hours, and why it counts nothing or a part."""
    if explained.begin != explained.start:
        click.echo(f"counted from {local_text(explained.begin, zone)}")
    counts = [amount_text(each.counted) if each.counted else "-" for each in explained.days]
    hours = [" ".join(map(str, each.day.hours)) for each in explained.days]
    count_width, hours_width = max(map(len, counts)), max(map(len, hours))
    for each, count, worked in zip(explained.days, counts, hours, strict=True):
        day = each.day.day
        click.echo(f"{day} {day:%a}  {count:>{count_width}}  {worked:<{hours_width}}  {printable(each.note)}".rstrip())
    click.echo(f"{amount_text(explained.amount)} {unit}")


def day_records(explained: Explanation) -> list[dict[str, Any]]:
    """The days for JSON."""
    return [
        {
            "day": each.day.day,
            "counted": amount_text(each.counted),
            "hours": [str(hours) for hours in each.day.hours],
            "note": each.note,
        }
        for each in explained.days
    ]
