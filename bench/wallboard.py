"""`python -m bench.wallboard`: how long the queries of the wallboards take with one, three and ten million dossiers.

The dossiers are made by ClickHouse itself, of two years up to now (wallboard.sql). Each query is asked as the data
source sends it, one after another; beside them stands what two of the figures take without what is rolled up.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import msgspec
from clickhouse_driver import Client
from msgspec import Struct

from bench.command_options import command_of, data_option, out_options, write_result
from bench.embedded_store import PARTITIONS, embedded_store
from bench.machine import Machine, this_machine
from grafana.build import WALLBOARDS
from grafana.sql_macros import expand
from schemas.tables import REFRESHES
from streams.storage.clickhouse_client import connect
from streams.storage.rollups import refresh
from streams.worker.heartbeat_row import quantile

_MAKE = Path(__file__).with_suffix(".sql")
_AT_ONCE = 1_000_000
_SETTLED_SECONDS = 2.0
_COUNTS = ("SELECT count() FROM facts", "SELECT count() FROM windows")
_PLAIN = "SELECT countIf(is_open), countIf(is_overdue) FROM dossiers"
"""What two of the tiles would ask if nothing were rolled up."""


class Row(Struct, frozen=True):
    """The queries of all tiles over so many dossiers, in milliseconds; and how long each refresh of a roll-up takes."""

    dossiers: int
    windows: int
    queries: int
    median_ms: float
    p95_ms: float
    worst_ms: float
    plain_median_ms: float
    past_refresh_seconds: float
    waiting_refresh_seconds: float


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def make(client: Client, dossiers: int, agencies: int = 600) -> None:
    """Make so many dossiers and their windows, and return when ClickHouse has merged what it wants to merge."""
    facts, windows = [statement for statement in _MAKE.read_text().split(";\n") if statement.strip()]
    for first in range(0, dossiers, _AT_ONCE):
        _say(f"{first:,} of {dossiers:,} dossiers")
        count = min(_AT_ONCE, dossiers - first)
        client.execute(facts.format(dossiers=dossiers, first=first, count=count, agencies=agencies))
    for partition in range(PARTITIONS):
        client.execute(windows.format(partition=partition))
    while client.execute("SELECT count() FROM system.merges")[0][0]:
        time.sleep(_SETTLED_SECONDS)


def measured(client: Client, rounds: int) -> Row:
    """Ask everything so many times."""
    refreshed = {view: round(seconds(partial(refresh, client, [view])), 2) for view in REFRESHES}
    queries = sorted(
        {expand(target["rawSql"]) for board in WALLBOARDS for panel in board["panels"] for target in panel["targets"]}
    )
    times: list[float] = []
    plain: list[float] = []
    for _ in range(rounds):
        times += [seconds(partial(client.execute, sql)) * 1000 for sql in queries]
        plain.append(seconds(partial(client.execute, _PLAIN)) * 1000)
    ((dossiers,),), ((windows,),) = (client.execute(sql) for sql in _COUNTS)
    return Row(
        dossiers=dossiers,
        windows=windows,
        queries=len(queries),
        median_ms=round(quantile(times, 0.5) or 0, 1),
        p95_ms=round(quantile(times, 0.95) or 0, 1),
        worst_ms=round(max(times), 1),
        plain_median_ms=round(quantile(plain, 0.5) or 0, 1),
        past_refresh_seconds=refreshed["refresh_city_past"],
        waiting_refresh_seconds=refreshed["refresh_city_waiting"],
    )


def seconds(do: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


_say = partial(click.echo, err=True)


@click.command()
@click.option("--dossiers", default="1,3,10", show_default=True, help="Millions, one after another.")
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="How often each query is asked.")
@data_option("Where its own folder, bench-wallboard, is made anew; ten million dossiers take 2 GB.")
@out_options("wallboard")
def main(dossiers: str, rounds: int, data: Path, out: Path) -> None:
    """Ask what the wallboards ask, over databases of these sizes."""
    rows = [
        _of_size(data.absolute() / "bench-wallboard", round(float(size) * 1e6), rounds) for size in dossiers.split(",")
    ]
    write_result(out, Result(this_machine(), command_of("bench.wallboard"), rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


def _of_size(folder: Path, dossiers: int, rounds: int) -> Row:
    with embedded_store(folder) as store, connect(store.clickhouse) as client:
        make(client, dossiers)
        _say(f"asking about {dossiers:,} dossiers")
        return measured(client, rounds)


if __name__ == "__main__":
    main()
