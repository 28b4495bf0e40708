"""`dossier rules notable`: dossiers whose term people ask about."""

from datetime import datetime
from typing import get_args

import click

from cli.rules.options import agency_option, from_option, gone_through, limit_option, period, to_option
from cli.rules.rulings import current_ruling
from cli.rules.sides import RuleParameter
from cli.settings import Settings
from cli.terminal_escape import plural, print_json, printable
from schemas.rule_names import RuleName
from streams.on_time.notable import Fact
from streams.reports.notable_cases import Notables, notables
from streams.reports.stored_cases import StoredCases
from streams.storage.clickhouse_client import database


@click.command("notable", short_help="List dossiers whose term is worth a question.")
@from_option
@to_option
@agency_option
@click.option("--rule", type=RuleParameter(), help="Judge by this rule.  [default: the leading one]")
@click.option("--fact", type=click.Choice(get_args(Fact)), help="Only dossiers of which this is true.")
@limit_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `total`, `agencies` and `dossiers`.")
@click.pass_obj
def command(
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    agency: str,
    rule: RuleName | None,
    fact: Fact | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what is notable about the terms of the dossiers of a period: late without apology, extended after the term.

    Each agency has a line with the number of dossiers for each fact, as of the end of the period.

    Exit codes: 0 listed, 2 wrong usage or the database is not migrated, 3 ClickHouse is away, 130 or 143 stopped.
    """
    span = period(since, until, settings.profile.zone)
    with database(settings.clickhouse) as client:
        ruling = current_ruling(client, settings.profile)
    with gone_through(StoredCases(settings.clickhouse, span, agency)) as (cases, advance):
        found = notables(cases, ruling, rule or settings.profile.leading, span, limit, fact, advance)
    if as_json:
        agencies = [{"agency": code, "facts": counts} for code, counts in sorted(found.counts.items())]
        print_json({"total": found.total, "agencies": agencies, "dossiers": found.cases})
        return
    _show(found)


def _show(found: Notables) -> None:
    click.echo(f"{plural(found.total, 'notable dossier')}")
    for agency, counts in sorted(found.counts.items()):
        told = ", ".join(f"{fact}: {count:,}" for fact, count in sorted(counts.items()))
        click.echo(f"{printable(agency, 16)}  {told}")
    for case in found.cases:
        click.echo(f"    {printable(case.agency, 16)}  {printable(case.dossier)}  {', '.join(case.facts)}")
    if found.total > len(found.cases):
        click.echo(f"and {found.total - len(found.cases):,} more: --limit lists them")
