"""`dossier audit`: whether the counts are what the events say."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import version

import click
import msgspec

from cli.display import Display
from cli.logs import configure
from cli.settings import Address, Settings
from cli.signals import Interrupted, Stop
from cli.terminal import brief, print_json, printable
from schemas.errors import DossierError
from streams.audit import Audit, audit, write_down
from streams.auditor import Auditor
from streams.endpoint import json_page, metrics_page, served

log = logging.getLogger(__name__)

_SHOWN = 50


@click.command("audit", short_help="Recompute every count from the events and report differences.")
@click.option("--json", "as_json", is_flag=True, help="Everything that was found, as JSON.")
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
@click.pass_context
def audit_command(context: click.Context, as_json: bool, every: float | None, metrics: tuple[str, int] | None) -> None:
    """Recompute windows from facts and facts from raw events, and report every difference.

    Ends with 0 where there is none and with 4 where there are some. With --every it goes on, also while ClickHouse is
    away, and ends with 0 when it is told to.
    """
    settings: Settings = context.obj
    if every is not None:
        if as_json:
            raise click.UsageError("--json is for one audit; with --every, set DOSSIER_LOG=json")
        _repeat(settings, every, metrics)
        return
    if metrics is not None:
        raise click.UsageError("--metrics needs --every: one audit is over before it can be asked")
    with Display() as display:
        found = _audited(
            settings,
            lambda trouble: click.echo(printable(trouble), err=True),
            lambda dossiers: display.tick(lambda: f"{dossiers:,} dossiers recomputed"),
        )
    if as_json:
        print_json({**msgspec.to_builtins(found), "differences": found.differences})
    else:
        _show(found)
    context.exit(4 if found.differences else 0)


def _audited(
    settings: Settings, tell: Callable[[str], None], on_progress: Callable[[int], None] | None = None
) -> Audit:
    """Audit, and write down what was found; who may only read can audit all the same, and `tell` hears of it."""
    began = time.monotonic()
    found = audit(settings.clickhouse, settings.profile, on_progress)
    try:
        write_down(settings.clickhouse, found, datetime.now(UTC), time.monotonic() - began)
    except DossierError as error:
        tell(f"the table audits does not get it: {error}")
    return found


def _repeat(settings: Settings, every: float, metrics: tuple[str, int] | None) -> None:
    auditor = Auditor(lambda: _audited(settings, log.warning))
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
                began = time.monotonic()
                auditor.run()
                time.sleep(max(0.0, began + every - time.monotonic()))


def _show(found: Audit) -> None:
    for window in found.window_differences[:_SHOWN]:
        click.echo(
            f"window {brief(window.agency)} {window.window} partition {window.partition}: "
            f"{window.counter} is {window.stored}, the facts add up to {window.recomputed}"
        )
    for facts in found.facts_differences[:_SHOWN]:
        said = printable(f"{facts.column} is {facts.stored}, the events say {facts.recomputed}")
        click.echo(f"facts {brief(facts.dossier)}: {said}")
    for view in found.view_differences[:_SHOWN]:
        what = f"{view.figure} is {view.stored}, the tables hold {view.recomputed}" if view.figure else view.stored
        click.echo(f"view {brief(view.place)}: {printable(what)}")
    if found.differences > _SHOWN:
        click.echo(f"and more: at most {_SHOWN} of each are shown, --json has all")
    if found.conflicts:
        click.echo(f"{found.conflicts} event ids came with several contents: see the view event_conflicts")
    click.echo(
        f"{found.differences} differences in {found.windows} windows and {found.dossiers} dossiers "
        f"recomputed from {found.events} events"
    )
