"""`dossier audit`: every count is recomputed from the events, and differences are reported."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import version

import click
import msgspec
from msgspec import structs

from cli.logs import configure
from cli.options import Address
from cli.progress import Display
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from cli.terminal_escape import brief, print_json, printable
from schemas.errors import DossierError
from streams.audit.audit_run import audit
from streams.audit.cutoff import Cut
from streams.audit.findings import Audit, record_audit
from streams.audit.schedule import AuditSchedule
from streams.audit.service import AuditService
from streams.audit.throttle import Throttle
from streams.audit.topic import TopicCheck
from streams.http.server import json_page, metrics_page, served

log = logging.getLogger(__name__)

_SHOWN = 50
_SHARE = 0.25
_UNCONFIRMED = 5
"""The exit code where nothing differs, but something could not be confirmed."""


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Print all differences as JSON.")
@click.option(
    "--topic", is_flag=True, help="Also check every line of the topic, as far back as it reaches; needs Kafka."
)
@click.option(
    "--every",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Audit every SECONDS seconds, from start to start, until stopped; log the results.",
)
@click.option(
    "--metrics",
    type=Address(),
    help="With --every: serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.option(
    "--share",
    type=click.FloatRange(0.01, 1),
    help="With --every: share of the time that audits may take, all rounds together, from 0.01 to 1.  [default: 0.25]",
)
@click.pass_context
def command(
    context: click.Context,
    as_json: bool,
    topic: bool,
    every: float | None,
    metrics: tuple[str, int] | None,
    share: float | None,
) -> None:
    """Recompute windows from facts and facts from raw events, and report every difference.

    Counting may go on: each row is compared with the events up to the position that it claims. Rows past the progress
    of a stalled worker are reported as not confirmed.

    With --every, audits go on while ClickHouse is away, and a signal ends them with 0. If a full audit takes more than
    an hour, there is one a day, and every SECONDS an audit of what changed.

    Exit codes: 0 no difference, 4 differences, 5 no difference but rows that could not be confirmed.
    """
    settings: Settings = context.obj
    if every is not None:
        if as_json:
            raise click.UsageError("--json is for one audit; with --every, set DOSSIER_LOG=json")
        _repeat(settings, every, metrics, share or _SHARE, topic=topic)
        return
    if share is not None:
        raise click.UsageError("--share needs --every: a single audit runs at full speed")
    if metrics is not None:
        raise click.UsageError("--metrics needs --every: a single audit serves no metrics")
    with Display() as display:
        found = _audited(
            settings,
            lambda trouble: click.echo(printable(trouble), err=True),
            lambda dossiers: display.tick(lambda: f"{dossiers:,} dossiers recomputed"),
            topic=topic,
        )
    if as_json:
        print_json(_plain(found))
    else:
        _show(found)
    context.exit(4 if found.differences else _UNCONFIRMED if found.unconfirmed else 0)


def _audited(
    settings: Settings,
    warn: Callable[[str], None],
    on_progress: Callable[[int], None] | None = None,
    *,
    since: Cut | None = None,
    throttle: Throttle | None = None,
    topic: bool = False,
) -> Audit:
    """Audit, and write the result to ClickHouse; a user who may only read gets a warning instead."""
    began = time.monotonic()
    found = audit(settings.clickhouse, settings.profile, on_progress, since=since, throttle=throttle)
    if topic:
        read = TopicCheck(settings.kafka, settings.clickhouse, throttle, settings.alert_key).run(
            since.offsets if since else None
        )
        found = structs.replace(found, findings=[*found.findings, *read.findings], records=read.records)
    try:
        record_audit(settings.clickhouse, found, datetime.now(UTC), time.monotonic() - began)
    except DossierError as error:
        warn(f"the result is not written to the table audits: {error}")
    return found


def _repeat(settings: Settings, every: float, metrics: tuple[str, int] | None, share: float, *, topic: bool) -> None:
    auditor = AuditService()

    def run(since: Cut | None, throttle: Throttle) -> Audit | None:
        return auditor.run(lambda: _audited(settings, log.warning, since=since, throttle=throttle, topic=topic))

    schedule = AuditSchedule(run, every, share)
    auditor.built(version("dossier-stream"), settings.profile)
    settings.clickhouse  # noqa: B018  # raises at once where none is known
    pages = {
        "/metrics": metrics_page(auditor.page),
        "/health": json_page(lambda: (True, auditor.health())),
        "/ready": json_page(lambda: ((health := auditor.health()).ready, health)),
    }
    with ExitStack() as stack:
        if address := metrics or settings.metrics:
            stack.enter_context(served(address, "--metrics" if metrics else "DOSSIER_METRICS", pages))
        configure(settings.log)
        stop = stack.enter_context(Stop())
        stack.enter_context(suppress(Interrupted))
        while True:
            # An audit changes nothing, so a signal may end it anywhere.
            with stop.waiting():
                schedule.next_round()


def _plain(found: Audit) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(found)
    del fields["cut"]  # where the next incremental audit begins: of no use outside this process
    return fields | {"differences": found.differences}


def _show(found: Audit) -> None:
    for window in found.window_differences[:_SHOWN]:
        click.echo(
            f"window {brief(window.agency)} {window.window} partition {window.partition}: "
            f"{window.counter} is {window.stored}, the facts add up to {window.recomputed}"
        )
    for facts in found.facts_differences[:_SHOWN]:
        text = printable(f"{facts.column} is {facts.stored}, the events say {facts.recomputed}")
        click.echo(f"facts {brief(facts.dossier)}: {text}")
    for other in found.findings[:_SHOWN]:
        text = printable(f"there is {other.stored}, should be {other.recomputed}")
        click.echo(f"{other.kind} {brief(other.place)}: {text}")
    if found.differences > _SHOWN:
        click.echo(f"and more: at most {_SHOWN} of each kind are shown, --json prints all")
    if found.conflicts:
        click.echo(f"{found.conflicts} event ids have several contents: see the view event_conflicts")
    if found.unconfirmed:
        click.echo(
            f"{found.unconfirmed} rows are not confirmed: they are past the progress of a stalled worker; "
            "restart it, and audit again"
        )
    click.echo(
        f"{found.differences} differences in {found.windows} windows and {found.dossiers} dossiers "
        f"recomputed from {found.events} events"
        f"{'' if found.records is None else f', {found.records} records of the topic compared'}"
    )
