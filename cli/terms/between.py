"""`dossier terms between`: how much of a unit lies between two instants."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cli.calendar.options import agency_option, calendar_option, chosen_calendars, loaded_option
from cli.settings import Settings
from cli.terminal_escape import print_json
from cli.terms.arguments import Time, UnitName, instant, local_text
from cli.terms.output import day_records, print_explanation
from schemas.working_time.arithmetic import between
from schemas.working_time.duration import Unit, amount_text
from schemas.working_time.explanation import explain_between


@click.command("between", short_help="Compute how much lies between two times.")
@click.argument("start", metavar="A", type=Time())
@click.argument("end", metavar="B", type=Time())
@click.argument("unit", metavar="UNIT", type=UnitName())
@agency_option
@calendar_option
@loaded_option
@click.option("--explain", "with_days", is_flag=True, help="Show each day, what it counts, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --explain it has `days`.")
@click.pass_obj
def command(
    settings: Settings,
    start: datetime,
    end: datetime,
    unit: Unit,
    agency: str,
    files: tuple[Path, ...],
    loaded: bool,
    with_days: bool,
    as_json: bool,
) -> None:
    """Print how much of UNIT lies between A and B, exactly: a decimal, or a fraction; negative where B is before A.

    It is what `dossier terms add A` needs to reach B.

    Exit codes: 0 printed, 2 wrong usage, a file cannot be read, or a time is outside the years of the calendar, 4 there
    are findings in a file.
    """
    zone = settings.profile.zone
    first, last = instant(start, zone), instant(end, zone)
    if with_days and last < first:
        raise click.UsageError("--explain needs a B that is not before A")
    calendar = chosen_calendars(settings, agency, files, loaded=loaded).calendar
    amount = between(first, last, unit, calendar)
    explained = explain_between(first, last, unit, calendar) if with_days else None
    if as_json:
        record: dict[str, Any] = {
            "start": local_text(first, zone),
            "end": local_text(last, zone),
            "amount": amount_text(amount),
            "decimal": float(amount),
            "unit": unit,
            "agency": agency,
        }
        print_json(record | ({"days": day_records(explained)} if explained else {}))
        return
    click.echo(amount_text(amount))
    if explained:
        print_explanation(explained, unit, zone)
