"""`dossier rules history`: which rules and loads decided when, and what changing them did to figures."""

from datetime import datetime

import click

from cli.rules.options import agency_option
from cli.settings import Settings
from cli.terminal_escape import plural, print_json, printable
from streams.reports.rule_history import RuleEpoch, RuleHistory, rule_history
from streams.storage.clickhouse_client import database

_LIMIT = 50


@click.command("history", short_help="Show when rules and loads changed, and what moved.")
@agency_option
@click.option(
    "--limit", type=click.IntRange(0), default=_LIMIT, show_default=True, help="List so many figures at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `epochs`, `pins`, `figures` and `total`.")
@click.pass_obj
def command(settings: Settings, agency: str, limit: int, as_json: bool) -> None:
    """Show the rules and loads of each epoch, and the figures of months that rebuilds moved: before and after.

    A figure of a month that is not listed was not changed. The view figure_restatements has all of them.

    Exit codes: 0 shown, 2 the database is not migrated, 3 ClickHouse is away.
    """
    with database(settings.clickhouse) as client:
        found = rule_history(client, agency, limit)
    if as_json:
        print_json(found)
        return
    for epoch in found.epochs:
        _show(epoch, found, settings)
    for each in found.figures:
        by = f" by {each.rule}" if each.rule else ""
        click.echo(
            f"epoch {each.epoch}  {printable(each.agency, 16)}  {each.month:%Y-%m}  {each.figure}{by}: "
            f"{each.before:,} -> {each.after:,}"
        )
    if found.total > len(found.figures):
        click.echo(f"and {found.total - len(found.figures):,} more: --limit lists them")


def _show(epoch: RuleEpoch, found: RuleHistory, settings: Settings) -> None:
    click.echo(f"epoch {epoch.epoch}  {_local(epoch.changed_at, settings)}  {epoch.state}  rules {epoch.rules}")
    if epoch.why or epoch.figures:
        said = f" ({epoch.why})" if epoch.why else ""
        click.echo(f"    restated by {printable(epoch.restated_by + said)}: {plural(epoch.figures, 'figure')} moved")
    for pin in found.pins:
        if pin.epoch == epoch.epoch:
            loads = f"agencies {pin.agencies}, calendar {pin.calendar}, procedures {pin.procedures}"
            click.echo(f"    loads since {_local(pin.pinned_at, settings)}: {loads}")


def _local(at: datetime, settings: Settings) -> str:
    return at.astimezone(settings.profile.zone).isoformat(sep=" ", timespec="seconds")
