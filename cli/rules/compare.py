"""`dossier rules compare`: the same dossiers judged in two ways."""

from datetime import datetime
from typing import Any

import click
from rich.table import Table

from cli.console import console
from cli.report_output import rate_cell
from cli.rules.options import agency_option, from_option, gone_through, limit_option, period, to_option
from cli.rules.rulings import current_ruling, loaded_ruling
from cli.rules.sides import RuleParameter, side
from cli.settings import Settings
from cli.terminal_escape import brief, plural, print_json, printable
from schemas.instant import from_micros
from schemas.rule_names import RuleName
from streams.reports.rule_comparison import Change, Comparison, Judged, RuleFigures, Side, compare
from streams.reports.stored_cases import Period, StoredCases
from streams.storage.clickhouse_client import database

_FIGURES = ("received", "carried_over", "early", "on_time", "late", "in_term", "overdue")


@click.command("compare", short_help="Judge the dossiers of a period in two ways.")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@from_option
@to_option
@agency_option
@click.option(
    "--rule", type=RuleParameter(), help="With current and loaded: judge by this rule.  [default: the leading]"
)
@limit_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `agencies` and `changes`.")
@click.pass_obj
def command(
    settings: Settings,
    one: str,
    other: str,
    since: datetime | None,
    until: datetime | None,
    agency: str,
    rule: RuleName | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show the figures of each agency by A and by B, as of the end of the period, and the dossiers that change sides.

    A and B are rules (instant, date, 766, form), versions of rules (date@1), or `current` and `loaded`: what decides
    now, and what a rebuild would adopt, that is the newest loads of calendars, agencies and procedures and the rules of
    the profile. Nothing is changed.

    Exit codes: 0 compared, 2 wrong usage or the database is not migrated, 3 ClickHouse is away, 130 or 143 stopped.
    """
    zone = settings.profile.zone
    span = period(since, until, zone)
    with database(settings.clickhouse) as client:
        current = current_ruling(client, settings.profile)
        leading = rule or settings.profile.leading
        before, after = (
            side(text, leading, current, lambda: loaded_ruling(client, settings.profile)) for text in (one, other)
        )
    with gone_through(StoredCases(settings.clickhouse, span, agency)) as (cases, advance):
        found = compare(cases, before, after, span, limit, advance)
    sides = [before, after]
    if as_json:
        print_json(_record(sides, span, found))
        return
    _show(sides, found)
    for change in found.changes:
        click.echo(
            f"{printable(change.agency, 16)}  {printable(change.dossier)}  "
            + "  ->  ".join(_told(judged, settings) for judged in (change.one, change.other))
        )
    left = found.worse + found.better - len(found.changes)
    if left:
        click.echo(f"and {left:,} more: --limit lists them")


def _show(sides: list[Side], found: Comparison) -> None:
    table = Table()
    for heading in (
        "Agency",
        "By",
        "Received",
        "Carried over",
        "Early",
        "On time",
        "Late",
        "In term",
        "Overdue",
        "Good",
    ):
        table.add_column(heading, justify="left" if heading in ("Agency", "By") else "right")
    for agency, pair in sorted(found.agencies.items()):
        for number, (by, figures) in enumerate(zip(sides, pair, strict=True)):
            table.add_row(brief(agency) if number == 0 else "", by.name, *_cells(figures), end_section=number == 1)
    console().print(table)
    click.echo(
        f"{plural(found.worse + found.better, 'dossier')} change sides: {found.worse:,} late or overdue only by "
        f"{sides[1].name}, {found.better:,} only by {sides[0].name}"
    )


def _cells(figures: RuleFigures) -> list[str]:
    return [*(f"{getattr(figures, name):,}" for name in _FIGURES), rate_cell(figures.rate)]


def _told(judged: Judged, settings: Settings) -> str:
    deadline = "none" if judged.deadline is None else _local(judged.deadline, settings)
    return f"{judged.standing} by {judged.rule} (deadline {deadline}, {judged.reason})"


def _local(at: int, settings: Settings) -> str:
    return from_micros(at).astimezone(settings.profile.zone).isoformat(sep=" ", timespec="minutes")


def _record(sides: list[Side], span: Period, found: Comparison) -> dict[str, Any]:
    return {
        "sides": [each.name for each in sides],
        "from": from_micros(span.start),
        "until": from_micros(span.end),
        "agencies": [
            {"agency": agency, "a": _figures(pair[0]), "b": _figures(pair[1])}
            for agency, pair in sorted(found.agencies.items())
        ],
        "worse": found.worse,
        "better": found.better,
        "changes": [_change(change) for change in found.changes],
    }


def _figures(figures: RuleFigures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in _FIGURES} | {"good_rate": figures.rate}


def _change(change: Change) -> dict[str, Any]:
    return {
        "dossier": change.dossier,
        "agency": change.agency,
        "procedure": change.procedure,
        "a": _judged(change.one),
        "b": _judged(change.other),
    }


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        "rule": judged.rule,
        "standing": judged.standing,
        "reason": judged.reason,
        "term": None if judged.term is None else from_micros(judged.term),
        "deadline": None if judged.deadline is None else from_micros(judged.deadline),
    }
