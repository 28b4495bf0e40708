"""Options of commands that count working time, and the calendar that they choose."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import click

from cli.findings import refuse
from cli.settings import Settings
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
loaded_option = click.option(
    "--loaded", is_flag=True, help="Count by the calendar that is loaded and decides terms; needs ClickHouse."
)


class Chosen(NamedTuple):
    """The calendars that a command was asked for, and the codes from the root of the tree down to its agency."""

    calendars: Calendars
    path: Sequence[str]

    @property
    def calendar(self) -> Calendar:
        """The calendar of the agency."""
        return self.calendars.of(self.path)


def chosen_calendars(settings: Settings, agency: str, files: Sequence[Path], *, loaded: bool) -> Chosen:
    """The calendars by the built-in rules, those that are loaded if they are asked for, and those of files.

    Findings end the command with exit code 4. With `loaded` it raises Unreachable or NotMigrated.
    """
    own = read_rules(files)
    rules, path = _loaded(settings, agency) if loaded else ([], path_by_dots(agency))
    return Chosen(Calendars([*built_in_rules(), *rules, *own], settings.profile.time_zone), path)


def _loaded(settings: Settings, agency: str) -> tuple[list[DayRule], Sequence[str]]:
    """The rules by which terms are computed, and the path of the agency; says which newer ones wait."""
    # The client of a database that other commands do not need.
    from streams.reference.ruling_loading import day_rules_of, path_of
    from streams.reference.ruling_pins import Pin, held, newest
    from streams.storage.clickhouse_client import database
    from streams.storage.epochs import read_history

    with database(settings.clickhouse) as client:
        serving, current = read_history(client).serving, newest(client)
        pin = held(client, serving.epoch) if serving else Pin(0)
        if pin.pinned_at is None:
            # Nothing is counted yet: these are the ones by which it will be.
            pin = Pin(pin.epoch, datetime.now(UTC), current)
        if pin.loads.calendar != current.calendar:
            click.echo("a newer calendar is loaded, and does not decide terms yet: see `dossier doctor`", err=True)
        return day_rules_of(client, pin), path_of(client, settings.profile, pin, agency)


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
