"""`dossier watch`: the wallboard of the city, live on a terminal, from the same SQL as in Grafana."""

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, get_args

import click
from rich.live import Live

from cli.console import console
from cli.settings import Settings
from cli.signals import Interrupted, Stop
from cli.wallboard import Reading, frame
from grafana.sql_queries import query
from grafana.wallboards import Period
from schemas.connection import ClickHouseConnection
from streams.errors import NoAccess, Unreachable
from streams.storage.clickhouse_client import database

_PERIODS: tuple[Period, ...] = get_args(Period)
_KEYS = "d m y: hôm nay, tháng, năm / day, month, year   Tab: tiếp / next   q: thoát / quit"


@click.command("watch")
@click.option(
    "--period", type=click.Choice(_PERIODS), default="day", show_default=True, help="Period that is shown first."
)
@click.option(
    "--every",
    type=click.FloatRange(0.5, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two queries.",
)
@click.option("--once", is_flag=True, help="Print one frame and end.")
@click.pass_obj
def command(settings: Settings, period: Period, every: float, once: bool) -> None:
    """Show the eleven figures of the city with target and trend, as the wallboards in Grafana do.

    Keys: d, m, y or Tab for the period, q to quit. While ClickHouse is away, the last figures stay, with the error.

    Exit codes: 0 quit, 2 the database is not migrated, 3 ClickHouse refuses the user, or is away with --once, 143
    stopped by SIGTERM.
    """
    terminal = console()
    if once:
        reading = _read(settings.clickhouse, period)
        terminal.print(frame(reading, period, terminal.size))
        return
    with Stop() as stop, contextlib.suppress(Interrupted):
        show(settings.clickhouse, period, every, stop.waiting)
    raise click.exceptions.Exit(stop.exit_code)


def show(
    clickhouse: ClickHouseConnection, period: Period, every: float, waiting: Callable[[], AbstractContextManager[None]]
) -> None:
    """Show the wallboard until q is pressed; `waiting` is entered during waits.

    Raises NotMigrated, and NoAccess where the first reading is refused.
    """
    terminal, reading, key = console(), Reading(), ""
    with _keyboard() as keys, Live(console=terminal, screen=terminal.is_terminal, auto_refresh=False) as live:
        while key != "q":
            period = _chosen(key, period)
            reading = _read_again(clickhouse, period, reading)
            live.update(frame(reading, period, terminal.size, _KEYS if keys is not None else ""), refresh=True)
            with waiting():
                key = _pressed(keys, every)


def _read(clickhouse: ClickHouseConnection, period: Period) -> Reading:
    """Read everything; raises NotMigrated and Unreachable."""
    with database(clickhouse) as client:
        rows, columns = client.execute(query("city", period=period), with_column_types=True)
        ((seconds, _published),) = client.execute(query("data_age"))
    figures: dict[str, Any] = dict(zip((name for name, _ in columns), rows[0], strict=True))
    return Reading(figures, seconds, datetime.now().astimezone())


def _read_again(clickhouse: ClickHouseConnection, period: Period, before: Reading) -> Reading:
    """Read everything; if the database is away, keep the figures from before."""
    try:
        return _read(clickhouse, period)
    except Unreachable as error:
        if isinstance(error, NoAccess) and before.at is None:
            raise
        return Reading(before.figures, before.age_seconds, before.at, str(error))


def _chosen(key: str, period: Period) -> Period:
    """The period after this key."""
    if key == "\t":
        return _PERIODS[(_PERIODS.index(period) + 1) % len(_PERIODS)]
    return next((each for each in _PERIODS if key and each[0] == key.lower()), period)


@contextmanager
def _keyboard() -> Iterator[int | None]:
    """The terminal's keys one by one, without Enter; None if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield None
        return
    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    tty.setcbreak(keys)
    try:
        yield keys
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)


def _pressed(keys: int | None, seconds: float) -> str:
    """The key that is pressed within this many seconds, or nothing."""
    if keys is None:
        time.sleep(seconds)
    elif select.select([keys], [], [], seconds)[0]:
        return os.read(keys, 1).decode(errors="replace")
    return ""
