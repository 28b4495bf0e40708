"""`dossier terms add`: when a term ends."""

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from cli.calendar.options import (
    agency_option,
    calendar_option,
    chosen_calendars,
    loaded_option,
    warn_of_unannounced_years,
)
from cli.settings import Settings
from cli.terminal_escape import print_json
from cli.terms.arguments import Amount, Time, UnitName, instant, local_text
from cli.terms.output import day_records, print_explanation
from schemas.instant import from_micros
from schemas.working_time.duration import Duration, Unit, amount_text
from schemas.working_time.explanation import explain


@click.command("add", short_help="Compute when a term ends.")
@click.argument("start", metavar="START", type=Time())
@click.argument("amount", metavar="AMOUNT", type=Amount())
@click.argument("unit", metavar="UNIT", type=UnitName())
@agency_option
@calendar_option
@loaded_option
@click.option(
    "--same-day", is_flag=True, help="A same-day procedure: the day of START is the first of the term's days."
)
@click.option("--explain", "with_days", is_flag=True, help="Show each day, what it counts, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --explain it has `days`.")
@click.pass_obj
def command(
    settings: Settings,
    start: datetime,
    amount: Fraction,
    unit: Unit,
    agency: str,
    files: tuple[Path, ...],
    loaded: bool,
    same_day: bool,
    with_days: bool,
    as_json: bool,
) -> None:
    """Print the instant at which a term ends that starts at START: 2026-02-11T15:30 3 working-days.

    A START outside working hours, or of a same-day procedure after the cut-off, begins at the next working time. A
    term never ends on a day off. Days and months end when work ends on their last day.

    Exit codes: 0 printed, 2 wrong usage, a file cannot be read, or the term leaves the years of the calendar, 4 there
    are findings in a file.
    """
    if same_day and unit == "months":
        raise click.UsageError("--same-day is for hours and days: a term in months is none of the same day")
    zone = settings.profile.zone
    calendar = chosen_calendars(settings, agency, files, loaded=loaded).calendar
    explained = explain(instant(start, zone), Duration(amount, unit), calendar, same_day)
    warn_of_unannounced_years(from_micros(explained.end).date())
    if not as_json:
        click.echo(local_text(explained.end, zone))
        if with_days:
            print_explanation(explained, unit, zone)
        return
    record: dict[str, Any] = {
        "start": local_text(explained.start, zone),
        "begin": local_text(explained.begin, zone),
        "end": local_text(explained.end, zone),
        "amount": amount_text(amount),
        "unit": unit,
        "same_day": same_day,
        "agency": agency,
    }
    print_json(record | ({"days": day_records(explained)} if with_days else {}))
