"""`dossier alerts`: what was said of late dossiers is looked at, or delivered to a webhook."""

import time
from contextlib import closing, suppress
from datetime import UTC, datetime

import click

from cli.logs import configure
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from cli.terminal import plural, print_json, printable
from schemas.errors import SettingError
from streams.alerts.table import Selection, newest
from streams.alerts.topic import AlertReader

GROUP = "dossier-alerts-webhook"
_SHOWN = 50


@click.group("alerts")
def command() -> None:
    """Alerts about dossiers that are or will soon be late.

    A worker raises them as time passes and clears them when a dossier ends or gets another term; DOSSIER_ALERT_LEVELS
    says when.
    """


@command.command("list", short_help="Show the alerts that stand, or all there ever were.")
@click.option("--agency", help="Of this agency.")
@click.option("--level", help="Of this level, such as overdue.")
@click.option("--dossier", help="Of this dossier.")
@click.option("--all", "everything", is_flag=True, help="The history, with those that were cleared or superseded.")
@click.option("--limit", type=click.IntRange(1), default=_SHOWN, show_default=True, help="Show so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with `total` and `alerts`.")
@click.pass_obj
def list_command(
    settings: Settings,
    agency: str | None,
    level: str | None,
    dossier: str | None,
    everything: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Show which alerts stand, the newest first."""
    selection = Selection(agency=agency, level=level, dossier=dossier, standing=not everything)
    total, found = newest(settings.clickhouse, selection, limit)
    if as_json:
        print_json({"total": total, "alerts": found})
        return
    click.echo(plural(total, "alert") + ("" if everything else " that stand" + ("s" if total == 1 else "")))
    zone = settings.profile.zone
    for alert in found:
        said = alert.state if not alert.why else f"{alert.state} ({alert.why})"
        times = [at.astimezone(zone).isoformat(sep=" ", timespec="minutes") for at in (alert.at, alert.term)]
        click.echo(
            f"{alert.seq:>8}  {times[0]}  {printable(said, 20)}  {printable(alert.level, 12)}  "
            f"{printable(alert.agency, 16)}  {printable(alert.dossier)}  term {times[1]}"
        )
    if total > len(found):
        click.echo(f"and {total - len(found):,} more: --limit shows them")


@command.command("send", short_help="Deliver alerts to a webhook until stopped.")
@click.option("--everything", is_flag=True, help="At the first start deliver also what was said before.")
@click.pass_obj
def send_command(settings: Settings, everything: bool) -> None:
    """Deliver the alerts that come to DOSSIER_WEBHOOK, an agency at a time, signed with DOSSIER_WEBHOOK_SECRET.

    Each is delivered at least once, in order; a receiver that is away or refuses gets it later. It goes on where it
    stopped. What is raised while it was never started is only in `dossier alerts list`.
    """
    from streams.alerts.webhook import deliver, deliveries  # with its client, which no other command needs

    webhook = settings.webhook
    if webhook is None:
        raise SettingError("DOSSIER_WEBHOOK and DOSSIER_WEBHOOK_SECRET say where to deliver: both are needed")
    configure(settings.log)
    following = AlertReader(settings.kafka, GROUP, everything=everything, key=settings.alert_key)
    with Stop() as stop, closing(following) as new, suppress(Interrupted):
        while True:
            with stop.waiting():
                found = new.poll()
            for delivery in deliveries(found):
                # It may be left amid a request: what was not surely taken is delivered again.
                with stop.waiting():
                    deliver(webhook, delivery, lambda: datetime.now(UTC), time.sleep)
            if found:
                new.commit()
