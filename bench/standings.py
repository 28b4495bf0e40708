"""`python -m bench.standings`: what it costs to say how dossiers stand by four rules, beside the one rule of before.

ClickHouse makes the dossiers (wallboard.sql), one in thirty of them with a stop (standings.sql). Processor time is that
of the whole server, so nothing else may use it meanwhile; ratios are to the query that stands for the former one.
"""

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
import psutil
from clickhouse_driver import Client
from msgspec import Struct

from bench.command_options import command_of, data_option, out_options, write_result
from bench.embedded_store import embedded_store
from bench.machine import Machine, this_machine
from bench.wallboard import make
from schemas.tables import REFRESHES
from streams.storage.clickhouse_client import connect

_FILE = Path(__file__).with_suffix(".sql")


class Row(Struct, frozen=True):
    """A query: seconds until its answer and of processors, the least of all rounds, and its ratio to the former one."""

    query: str
    seconds: float
    cpu_seconds: float
    cpu_ratio: float | None


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    dossiers: int
    rows: list[Row]


def measured(client: Client, server: psutil.Process, rounds: int) -> list[Row]:
    """Give some dossiers a stop, then ask everything so many times, in turns."""
    stops, *texts = _FILE.read_text().split(";\n")
    client.execute(stops)
    client.execute("OPTIMIZE TABLE facts FINAL")
    for view in REFRESHES:
        client.execute(f"SYSTEM STOP VIEW {view}")
    now = datetime.now(UTC)
    days = {"as_of": f"{now - timedelta(days=60):%F} 12:00:00", "since": f"{now - timedelta(days=60):%F}"}
    days["until"] = f"{now - timedelta(days=31):%F}"
    queries = {}
    for text in texts:
        title, _, sql = text.strip().partition("\n")
        queries[title.removeprefix("-- ")] = sql.format(**days)
    times: dict[str, list[tuple[float, float]]] = {title: [] for title in queries}
    for _ in range(rounds):
        for title, sql in queries.items():
            times[title].append(_asked(client, server, sql))
    least = {title: (min(each[0] for each in found), min(each[1] for each in found)) for title, found in times.items()}
    former = {title.partition(",")[0]: cpu for title, (_, cpu) in least.items() if ", as it was" in title}
    return [
        Row(title, round(seconds, 3), round(cpu, 3), round(cpu / former[title], 2) if former.get(title) else None)
        for title, (seconds, cpu) in least.items()
    ]


def _asked(client: Client, server: psutil.Process, sql: str) -> tuple[float, float]:
    began, used = time.perf_counter(), sum(server.cpu_times()[:2])
    client.execute(sql)
    return time.perf_counter() - began, sum(server.cpu_times()[:2]) - used


_say = partial(click.echo, err=True)


@click.command()
@click.option("--dossiers", type=click.IntRange(100), default=600_000, show_default=True, help="How many there are.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often each query is asked.")
@data_option("Where its own folder, bench-standings, is made anew.")
@out_options("standings")
def main(dossiers: int, rounds: int, data: Path, out: Path) -> None:
    """Ask how dossiers stand, over a database of this size."""
    with embedded_store(data.absolute() / "bench-standings") as store, connect(store.clickhouse) as client:
        make(client, dossiers)
        _say(f"asking about {dossiers:,} dossiers")
        rows = measured(client, store.server, rounds)
    write_result(out, Result(this_machine(), command_of("bench.standings"), dossiers, rows))
    for row in rows:
        ratio = "" if row.cpu_ratio is None else f", {row.cpu_ratio:.2f} times the former"
        click.echo(f"{row.query}: {row.seconds:.3f} s, {row.cpu_seconds:.3f} s of processors{ratio}")


if __name__ == "__main__":
    main()
