"""Options of commands that count working time, and the calendar that they choose."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from cli.findings import refuse
from schemas.working_time.agency_calendars import path_by_dots
from schemas.working_time.built_in import ANNOUNCED_UNTIL, built_in_rules
from schemas.working_time.calendar import Calendar, Calendars
from schemas.working_time.day_rule import DayRule

agency_option = click.option(
    "--agency",
    metavar="CODE",
    default="",
    help="The calendar of this agency. Rules for H26 hold for H26.17 as well.",
)
calendar_option = click.option(
    "--calendar",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rules of your own as CSV, XLSX or JSON, which win over the built-in ones; may be repeated.",
)


def calendars_of(files: Sequence[Path], time_zone: str) -> Calendars:
    """The calendars by the built-in rules and those of files; findings end the command with exit code 4."""
    return Calendars([*built_in_rules(), *read_rules(files)], time_zone)


def calendar_of(agency: str, files: Sequence[Path], time_zone: str) -> Calendar:
    """The calendar of one agency."""
    return calendars_of(files, time_zone).of(path_by_dots(agency))


def read_rules(files: Sequence[Path]) -> list[DayRule]:
    """The rules of files; where anything is wrong in them, print all of it and exit with 4."""
    if not files:
        return []
    # Readers of workbooks take long to import.
    from connectors.errors import WrongReferenceData
    from connectors.reference.reading import read_day_rules

    try:
        return read_day_rules(files)
    except WrongReferenceData as error:
        refuse(error.findings, "no calendar was made")


def warn_of_unannounced_years(last: date) -> None:
    """Warn on standard error if days off up to this day may have been announced since."""
    if last.year > ANNOUNCED_UNTIL:
        click.echo(
            f"days off after {ANNOUNCED_UNTIL} are those of the law; swaps and days around Tết that were announced "
            "since belong into a file for --calendar",
            err=True,
        )
