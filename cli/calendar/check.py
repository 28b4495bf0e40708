"""`dossier calendar check`: the calendar beside an official list of days off and of Saturdays worked instead."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import click

from cli.calendar.options import agency_option, calendar_option, chosen_calendars, loaded_option, read_rules
from cli.settings import Settings
from cli.terminal_escape import plural, print_json, printable
from schemas.working_time.calendar import FIRST_DAY, LAST_DAY
from schemas.working_time.comparison import differences
from schemas.working_time.day_rule import DayRule

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("check", short_help="Compare the calendar with an official list.")
@click.argument(
    "lists", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--from", "first", type=_DAY, metavar="YYYY-MM-DD", help="First day.  [default: the year's of the list]")
@click.option("--to", "last", type=_DAY, metavar="YYYY-MM-DD", help="Last day.  [default: the year's of the list]")
@agency_option
@calendar_option
@loaded_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object for each difference.")
@click.pass_obj
def command(
    settings: Settings,
    lists: tuple[Path, ...],
    first: datetime | None,
    last: datetime | None,
    agency: str,
    files: tuple[Path, ...],
    loaded: bool,
    as_json: bool,
) -> None:
    """Compare the calendar with an official list of the days off and of the Saturdays that are worked instead.

    FILE has the columns of --calendar; `from`, `to` and `kind` are enough. Days that it does not name are expected to
    be as in the weekly schedule: so it must be complete for the years that it names, or from --from to --to.

    Exit codes: 0 all is the same, 1 there are differences, 2 wrong usage, or a file cannot be read, 4 there are
    findings in a file.
    """
    listed = read_rules(lists)
    begin, end = _period(listed, first, last)
    chosen = chosen_calendars(settings, agency, files, loaded=loaded)
    found = list(differences(listed, chosen.calendar, chosen.path, begin, end))
    if as_json:
        print_json(
            [
                {
                    "day": each.actual.day,
                    "list": each.expected.kind,
                    "calendar": each.actual.kind,
                    "difference": str(each),
                }
                for each in found
            ]
        )
    else:
        for each in found:
            click.echo(printable(str(each)))
        click.echo(f"{begin} to {end}: {plural(len(found), 'difference') if found else 'all days are as in the list'}")
    raise click.exceptions.Exit(1 if found else 0)


def _period(listed: Sequence[DayRule], first: datetime | None, last: datetime | None) -> tuple[date, date]:
    days = [day for rule in listed if not rule.weekdays for day in (rule.first, rule.last)]
    if not days and not (first and last):
        raise click.UsageError("the list names no days: give --from and --to")
    begin = first.date() if first else date(min(days).year, 1, 1)
    end = last.date() if last else date(max(days).year, 12, 31)
    if not FIRST_DAY <= begin <= end <= LAST_DAY:
        raise click.UsageError(f"from {begin} to {end} are no days between {FIRST_DAY} and {LAST_DAY}")
    return begin, end
