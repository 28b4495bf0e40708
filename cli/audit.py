"""`dossier audit`: whether the counts are what the events say."""

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
from cli.terminal import brief, print_json, printable
from schemas.errors import DossierError
from streams.audit.cut import Cut
from streams.audit.findings import Audit, record_audit
from streams.audit.recompute import audit
from streams.audit.schedule import AuditSchedule
from streams.audit.service import AuditService
from streams.audit.throttle import Throttle
from streams.audit.topic import TopicCheck
from streams.http.server import json_page, metrics_page, served

log = logging.getLogger(__name__)

_SHOWN = 50
_SHARE = 0.25
_UNCONFIRMED = 5
"""The exit code where nothing differs, but something could not be known."""


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="Everything that was found, as JSON.")
@click.option(
    "--topic", is_flag=True, help="Also look for every line of the topic, as far back as it reaches; needs Kafka."
)
@click.option(
    "--every",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Audit again and again, from start to start, until stopped; log how it goes.",
)
@click.option(
    "--metrics",
    type=Address(),
    help="With --every: serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.option(
    "--share",
    type=click.FloatRange(0.01, 1),
    help="With --every: the share of the time that audits may be busy, all rounds together.  [default: 0.25]",
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

    Counting may go on: each row is held against the events up to the position that it claims. Rows past the progress
    of a worker that stands still are told as not confirmed.

    Ends with 0 where there is no difference, with 4 where there are some, and with 5 where there is none but something
    could not be confirmed. With --every it goes on, also while ClickHouse is away, and ends with 0 when it is told to;
    where everything takes more than an hour, it is audited once a day, and what moved every SECONDS.
    """
    settings: Settings = context.obj
    if every is not None:
        if as_json:
            raise click.UsageError("--json is for one audit; with --every, set DOSSIER_LOG=json")
        _repeat(settings, every, metrics, share or _SHARE, topic=topic)
        return
    if share is not None:
        raise click.UsageError("--share needs --every: one audit goes as fast as it can")
    if metrics is not None:
        raise click.UsageError("--metrics needs --every: one audit is over before it can be asked")
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
    tell: Callable[[str], None],
    on_progress: Callable[[int], None] | None = None,
    *,
    since: Cut | None = None,
    throttle: Throttle | None = None,
    topic: bool = False,
) -> Audit:
    """Audit, and write down what was found; who may only read can audit all the same, and `tell` hears of it."""
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
        tell(f"the table audits does not get it: {error}")
    return found


def _repeat(settings: Settings, every: float, metrics: tuple[str, int] | None, share: float, *, topic: bool) -> None:
    auditor = AuditService()

    def run(since: Cut | None, throttle: Throttle) -> Audit | None:
        return auditor.run(lambda: _audited(settings, log.warning, since=since, throttle=throttle, topic=topic))

    schedule = AuditSchedule(run, every, share)
    auditor.built(version("dossier-stream"), settings.profile)
    settings.clickhouse  # noqa: B018  # where none is known, that is said at once
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
            # An audit changes nothing, so it may be left at any point.
            with stop.waiting():
                schedule.next_round()


def _plain(found: Audit) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(found)
    del fields["cut"]  # where the next audit of what moved begins, which nobody else can use
    return fields | {"differences": found.differences}


def _show(found: Audit) -> None:
    for window in found.window_differences[:_SHOWN]:
        click.echo(
            f"window {brief(window.agency)} {window.window} partition {window.partition}: "
            f"{window.counter} is {window.stored}, the facts add up to {window.recomputed}"
        )
    for facts in found.facts_differences[:_SHOWN]:
        said = printable(f"{facts.column} is {facts.stored}, the events say {facts.recomputed}")
        click.echo(f"facts {brief(facts.dossier)}: {said}")
    for other in found.findings[:_SHOWN]:
        what = printable(f"there is {other.stored}, should be {other.recomputed}")
        click.echo(f"{other.kind} {brief(other.place)}: {what}")
    if found.differences > _SHOWN:
        click.echo(f"and more: at most {_SHOWN} of each are shown, --json has all")
    if found.conflicts:
        click.echo(f"{found.conflicts} event ids came with several contents: see the view event_conflicts")
    if found.unconfirmed:
        click.echo(
            f"{found.unconfirmed} rows are not confirmed: they are past the progress of a worker that does not go on; "
            "start it, and audit again"
        )
    click.echo(
        f"{found.differences} differences in {found.windows} windows and {found.dossiers} dossiers "
        f"recomputed from {found.events} events"
        f"{'' if found.records is None else f', {found.records} records of the topic compared'}"
    )
