"""`dossier alerts`: alerts about late dossiers are listed, or delivered to a webhook."""

import time
from contextlib import closing, suppress
from datetime import UTC, datetime

import click

from cli.logs import configure
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from cli.terminal_escape import plural, print_json, printable
from schemas.errors import SettingError
from streams.alerts.table import Selection, newest
from streams.alerts.topic import AlertReader

GROUP = "dossier-alerts-webhook"
_LIMIT = 50


@click.group("alerts")
def command() -> None:
    """List alerts about dossiers that are late or will soon be, or send them to a webhook.

    A worker raises an alert as time passes, and clears it when the dossier ends or gets another term.
    DOSSIER_ALERT_LEVELS says how long before or after the term.
    """


@command.command("list", short_help="List the alerts that stand, or all of them.")
@click.option("--agency", help="Only alerts of this agency.")
@click.option("--level", help="Only alerts of this level, such as overdue.")
@click.option("--dossier", help="Only alerts of this dossier.")
@click.option("--all", "everything", is_flag=True, help="Also those that were cleared or superseded.")
@click.option(
    "--limit", type=click.IntRange(1), default=_LIMIT, show_default=True, help="List at most this many, the newest."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `total` and `alerts`.")
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
    """List the alerts that stand, the newest first."""
    selection = Selection(agency=agency, level=level, dossier=dossier, standing=not everything)
    total, found = newest(settings.clickhouse, selection, limit)
    if as_json:
        print_json({"total": total, "alerts": found})
        return
    click.echo(plural(total, "alert") + ("" if everything else " that stand" + ("s" if total == 1 else "")))
    zone = settings.profile.zone
    for alert in found:
        state = alert.state if not alert.why else f"{alert.state} ({alert.why})"
        at, term, deadline = (
            time.astimezone(zone).isoformat(sep=" ", timespec="minutes") if time else "none"
            for time in (alert.at, alert.term, alert.deadline)
        )
        held = f"  by {printable(alert.rule)}: deadline {deadline}" if alert.rule else ""
        click.echo(
            f"{alert.seq:>8}  {at}  {printable(state, 20)}  {printable(alert.level, 12)}  "
            f"{printable(alert.agency, 16)}  {printable(alert.dossier)}  term {term}{held}"
        )
    if total > len(found):
        click.echo(f"and {total - len(found):,} more: --limit lists them")


@command.command("send", short_help="Deliver alerts to a webhook until stopped.")
@click.option("--everything", is_flag=True, help="At the first start, deliver earlier alerts, too.")
@click.pass_obj
def send_command(settings: Settings, everything: bool) -> None:
    """Deliver new alerts to DOSSIER_WEBHOOK, one agency at a time, signed with DOSSIER_WEBHOOK_SECRET.

    Each alert is delivered at least once and in order; if the receiver is away or refuses, delivery is tried again. A
    restart resumes after the last delivery. Names of agencies and procedures are those of the reference data at the
    time of the delivery. Alerts from before the first start are listed by `dossier alerts list`.
    """
    # Only this subcommand needs an HTTP client.
    from streams.alerts.names import names_of
    from streams.alerts.webhook import deliver, deliveries

    webhook = settings.webhook
    if webhook is None:
        raise SettingError("DOSSIER_WEBHOOK and DOSSIER_WEBHOOK_SECRET must both be set to deliver alerts")
    configure(settings.log)
    topic = AlertReader(settings.kafka, GROUP, everything=everything, key=settings.alert_key)
    with Stop() as stop, closing(topic) as new, suppress(Interrupted):
        while True:
            with stop.waiting():
                found = new.poll()
            if not found:
                continue
            with stop.waiting():
                names = names_of(settings.clickhouse, found)
            for delivery in deliveries(found, names):
                # A signal may interrupt a request: a delivery that was not confirmed is repeated.
                with stop.waiting():
                    deliver(webhook, delivery, lambda: datetime.now(UTC), time.sleep)
            new.commit()
