"""Options of commands that go through the dossiers of a period, and how their progress is shown."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from cli.progress import Display
from cli.signals import Interrupted, Stop
from schemas.instant import EARLIEST, to_micros
from streams.counting.judged_case import StoredCase
from streams.reports.stored_cases import Period, StoredCases

_DAY = click.DateTime(["%Y-%m-%d"])
LIMIT = 50

from_option = click.option("--from", "since", type=_DAY, metavar="YYYY-MM-DD", help="First local day of the period.")
to_option = click.option(
    "--to", "until", type=_DAY, metavar="YYYY-MM-DD", help="Last local day of the period.  [default: until now]"
)
agency_option = click.option("--agency", metavar="CODE", default="", help="Only dossiers of this agency, by its code.")
limit_option = click.option(
    "--limit", type=click.IntRange(0), default=LIMIT, show_default=True, help="List at most this many dossiers."
)


def period(since: datetime | None, until: datetime | None, zone: ZoneInfo, now: datetime | None = None) -> Period:
    """The period of these local days, which ends now at the latest: nobody knows how a dossier will stand."""
    if since and until and until < since:
        raise click.UsageError(f"--to {until:%Y-%m-%d} is before --from {since:%Y-%m-%d}")
    moment = now or datetime.now(UTC)
    start = datetime.combine(since, time(), zone) if since else EARLIEST
    end = datetime.combine(until + timedelta(days=1), time(), zone) if until else moment
    if start > moment:
        raise click.UsageError(f"--from {start:%Y-%m-%d} is in the future")
    return Period(to_micros(start), min(to_micros(end), to_micros(moment) + 1))


@contextmanager
def gone_through(stored: StoredCases) -> Iterator[tuple[Iterable[StoredCase], Callable[[int], None]]]:
    """The cases, and what to call after each; it shows the progress, and a signal ends the command between two."""
    with Stop() as stop, Display() as display:
        try:
            with stop.waiting():
                total = stored.count()

            def advance(done: int) -> None:
                if stop.signal:
                    raise Interrupted
                if done % 500 == 0 or done == total:
                    display.advance("Judging", min(done, total), total)

            yield stored.read(), advance
        except Interrupted:
            click.echo("stopped", err=True)
            raise click.exceptions.Exit(stop.exit_code) from None
