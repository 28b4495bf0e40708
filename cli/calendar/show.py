"""`dossier calendar show`: the days of a month, to be checked by eye."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime
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
from cli.terminal_escape import print_json, printable
from schemas.working_time.calendar import FIRST_DAY, LAST_DAY
from schemas.working_time.day import SHARES, Day
from schemas.working_time.duration import amount_text
from schemas.working_time.hours import time_text

_NAMED = 10


@click.command("show", short_help="Show the days of a month.")
@click.argument("month", metavar="YYYY-MM", type=click.DateTime(["%Y-%m"]))
@agency_option
@calendar_option
@loaded_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object for each day.")
@click.pass_obj
def command(
    settings: Settings, month: datetime, agency: str, files: tuple[Path, ...], loaded: bool, as_json: bool
) -> None:
    """Show each day of a month: whether it is worked, its hours, and the rule that decides it.

    Where dossiers are received in other hours, a second line has these.

    Exit codes: 0 shown, 2 wrong usage, or a file cannot be read, 4 there are findings in a file.
    """
    if not FIRST_DAY.year <= month.year <= LAST_DAY.year:
        raise click.UsageError(f"{month:%Y-%m} is not between {FIRST_DAY:%Y-%m} and {LAST_DAY:%Y-%m}")
    chosen = chosen_calendars(settings, agency, files, loaded=loaded)
    calendars, calendar = chosen.calendars, chosen.calendar
    dates = [date(month.year, month.month, day) for day in range(1, monthrange(month.year, month.month)[1] + 1)]
    days = [(calendar.day(day), calendar.reception(day)) for day in dates]
    warn_of_unannounced_years(dates[-1])
    if as_json:
        print_json([_record(day) | {"reception": _record(reception)} for day, reception in days])
        return
    counted = sum((SHARES[day.kind] for day, _ in days), Fraction())
    hours = Fraction(sum(day.minutes for day, _ in days), 60)
    heading = f"{month:%Y-%m}{f' of {printable(agency)}' if agency else ''}"
    click.echo(f"{heading}: {amount_text(counted)} working days, {amount_text(hours)} working hours\n")
    for line in _lines(days):
        click.echo(line.rstrip())
    if calendars.agencies:
        named = ", ".join(map(printable, calendars.agencies[:_NAMED]))
        click.echo(f"\nRules of their own: {named}{' …' if len(calendars.agencies) > _NAMED else ''}")


def _lines(days: list[tuple[Day, Day]]) -> Iterator[str]:
    texts = [(_hours(day), _hours(reception)) for day, reception in days]
    width = max(len(hours) for both in texts for hours in both)
    for (day, reception), (hours, received) in zip(days, texts, strict=True):
        yield f"{day.day} {day.day:%a}  {day.kind:<6}  {hours:<{width}}  {printable(_reason(day))}"
        if hours != received:
            yield f"{'':16}receives{received:>{width + 2}}  {printable(_reason(reception))}"


def _hours(day: Day) -> str:
    return " ".join(map(str, day.hours))


def _reason(day: Day) -> str:
    """The rule; of a weekly schedule only its name, as it repeats."""
    return day.rule.name if day.rule and day.rule.weekdays else day.reason


def _record(day: Day) -> dict[str, Any]:
    rule = day.rule
    return {
        "day": day.day,
        "kind": day.kind,
        "hours": [str(hours) for hours in day.hours],
        "minutes": day.minutes,
        "same_day_until": time_text(day.same_day_until),
        "name": rule.name if rule else "",
        "source": rule.source if rule else "",
        "agency": rule.agency if rule else "",
    }
