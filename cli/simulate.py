"""`dossier simulate`: made-up events, live or of a past period; the same seed gives the same events."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.progress import Display
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from connectors.publishing.publisher import BULK, LIVE, connect
from connectors.simulator.history import history
from connectors.simulator.live_traffic import SPEED_UP, live
from connectors.simulator.office_calendar import CITY
from connectors.simulator.pacing import paced
from connectors.simulator.reference_files import write_reference_files
from connectors.simulator.simulation_plan import Plan
from schemas.events import Event

STOP_SECONDS = 15.0
_MAX_RATE = 1e6


class _Instant(click.ParamType):
    """An ISO 8601 date or time; of the simulated city where it has no offset."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an ISO 8601 date or time", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=CITY)


class _Period(click.ParamType):
    """FROM..TO, both instants."""

    name = "from..to"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[datetime, datetime]:
        begin, dots, end = str(value).partition("..")
        if not dots:
            self.fail(f"{value!r} is not FROM..TO", param, ctx)
        period = _Instant().convert(begin, param, ctx), _Instant().convert(end, param, ctx)
        if not period[0] < period[1]:
            self.fail(f"{value!r} ends before it begins", param, ctx)
        return period


@click.command("simulate")
@click.option(
    "--rate",
    type=click.FloatRange(0, _MAX_RATE, min_open=True),
    default=20.0,
    show_default=True,
    help="Events a second.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31),
    default=1,
    show_default=True,
    help="Seed of all random choices: the same seed gives the same events.",
)
@click.option("--events", type=click.IntRange(1), help="Stop after this many events.")
@click.option("--start", type=_Instant(), help="Instant of the first live event.  [default: now]")
@click.option(
    "--until", type=_Instant(), help="Stop before this instant; with --history, publish what is known by then."
)
@click.option(
    "--speed-up",
    type=click.FloatRange(1, 1e6),
    default=SPEED_UP,
    show_default=True,
    help="Factor by which live dossiers age faster; at 2700 a working day lasts ten seconds.",
)
@click.option("--history", "period", type=_Period(), help="Publish a past period, FROM..TO, as fast as possible.")
@click.option("--dossiers", type=click.IntRange(1), help="Number of dossiers in the history.  [default: 10000]")
@click.option(
    "--duplicates",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="Share of events sent twice, from 0 to 1.",
)
@click.option(
    "--late",
    type=click.FloatRange(0, 1),
    default=0.09,
    show_default=True,
    help="Share of dossiers resolved late, from 0 to 1.",
)
@click.option("--agencies", type=click.IntRange(1, 5000), default=60, show_default=True, help="Number of agencies.")
@click.option(
    "--tree",
    is_flag=True,
    help="Agencies in a tree, with the merger of 1 July 2025, procedures in versions, and officials by codes.",
)
@click.option(
    "--reference",
    type=click.Path(file_okay=False, path_type=Path),
    help="Publish nothing: write the reference data of --tree into this folder, for `dossier reference load`.",
)
@click.pass_obj
def command(
    settings: Settings,
    rate: float,
    seed: int,
    events: int | None,
    start: datetime | None,
    until: datetime | None,
    speed_up: float,
    period: tuple[datetime, datetime] | None,
    dossiers: int | None,
    duplicates: float,
    late: float,
    agencies: int,
    tree: bool,
    reference: Path | None,
) -> None:
    """Publish made-up events: live ones until Ctrl-C, or the history of a period.

    Dates are local to the simulated city (UTC+7). The events hold no personal data. Everything in them is made up, and
    so is the reference data of --tree, which depends on --agencies only.

    Exit codes: 0 done, or a live simulation without an end was stopped, 3 Kafka is away, 130 or 143 stopped early.
    """
    if reference is not None:
        _write_reference(reference, agencies)
        return
    now = datetime.now(UTC)
    _check(period, until, dossiers, start, now)
    plan = Plan(seed=seed, agencies=agencies, duplicates=duplicates, late=late, tree=tree)
    begun = time.monotonic()
    published = 0
    with Stop() as stop, connect(settings.kafka, BULK if period else LIVE) as publisher:
        if period:
            made: Iterator[Event] = (event for _, event in history(plan, *period, dossiers or 10_000, until))
        else:
            made = _live(plan, start or datetime.now(UTC), until, rate, speed_up, stop)

        def position() -> str:
            rate = published / max(time.monotonic() - begun, 0.001)
            return f"{published:,} events published, {publisher.acknowledged:,} acknowledged, {rate:,.1f} a second"

        with Display() as display:
            try:
                for event in made:
                    if published == events or stop.signal:
                        break
                    publisher.publish(event)
                    published += 1
                    display.tick(position)
            except Interrupted:
                pass
            publisher.flush(STOP_SECONDS if stop.signal else None)
    click.echo(position())
    has_end = period is not None or events is not None or until is not None
    if stop.signal and has_end:
        raise click.exceptions.Exit(stop.exit_code)


def _write_reference(folder: Path, agencies: int) -> None:
    try:
        for path in write_reference_files(folder, agencies):
            click.echo(path)
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="--reference") from error


def _live(
    plan: Plan, start: datetime, until: datetime | None, rate: float, speed_up: float, stop: Stop
) -> Iterator[Event]:
    def sleep(seconds: float) -> None:
        with stop.waiting():
            time.sleep(seconds)

    def ending() -> Iterator[tuple[datetime, Event]]:
        for at, event in live(plan, start, rate, speed_up):
            if until is not None and at >= until:
                return
            yield at, event

    return paced(ending(), start, time.monotonic, sleep)


def _check(
    period: tuple[datetime, datetime] | None,
    until: datetime | None,
    dossiers: int | None,
    start: datetime | None,
    now: datetime,
) -> None:
    if period is None and dossiers is not None:
        raise click.UsageError("--dossiers goes with --history: a live simulation has --events")
    if period is not None and start is not None:
        raise click.UsageError("--start is for live traffic: --history has its own")
    if period is not None and max(period[1], until or period[1]) > now:
        raise click.UsageError(f"--history {period[0]:%Y-%m-%d}..{period[1]:%Y-%m-%d} lies partly in the future")
    if start is not None and start > now:
        raise click.UsageError(f"--start {start.isoformat()} lies in the future")
