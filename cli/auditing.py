"""`dossier audit`: whether the counts are what the events say."""

import click
import msgspec

from cli.display import Display
from cli.settings import Settings
from streams.audit import Audit, audit

_SHOWN = 50


@click.command("audit", short_help="Recompute every count from the events and report differences.")
@click.option("--json", "as_json", is_flag=True, help="Everything that was found, as JSON.")
@click.pass_context
def audit_command(context: click.Context, as_json: bool) -> None:
    """Recompute windows from facts and facts from raw events, and report every difference.

    Ends with 0 where there is none and with 4 where there are some.
    """
    settings: Settings = context.obj
    with Display() as display:
        found = audit(
            settings.clickhouse,
            settings.profile,
            lambda dossiers: display.tick(lambda: f"{dossiers:,} dossiers recomputed"),
        )
    if as_json:
        click.echo(
            msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(found), "differences": found.differences}))
        )
    else:
        _show(found)
    context.exit(4 if found.differences else 0)


def _show(found: Audit) -> None:
    for window in found.window_differences[:_SHOWN]:
        click.echo(
            f"window {window.agency} {window.window} partition {window.partition}: "
            f"{window.counter} is {window.stored}, the facts add up to {window.recomputed}"
        )
    for facts in found.facts_differences[:_SHOWN]:
        click.echo(f"facts {facts.dossier}: {facts.column} is {facts.stored}, the events say {facts.recomputed}")
    if found.differences > _SHOWN:
        click.echo(f"and more: at most {_SHOWN} of each are shown, --json has all")
    if found.conflicts:
        click.echo(f"{found.conflicts} event ids came with several contents: see the view event_conflicts")
    click.echo(
        f"{found.differences} differences in {found.windows} windows and {found.dossiers} dossiers "
        f"recomputed from {found.events} events"
    )
