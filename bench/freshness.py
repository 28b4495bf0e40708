"""`python -m bench.freshness`: how long a count takes from the publisher's call, and after the SIGKILL of a worker."""

import shutil
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
import msgspec
from clickhouse_driver import Client
from msgspec import Struct

from bench.command_options import command_of, data_option, out_options, write_result
from bench.deployment import Deployment
from bench.freshness_probe import POLL_SECONDS, FreshnessProbe, delays, percentile
from bench.machine import Machine, this_machine
from bench.paced_traffic import PacedTraffic
from cli.signals import stop_signals
from streams.storage.clickhouse_client import connect as connect_clickhouse
from streams.storage.counting_progress import wait_until_counted

RESTARTS = 5
RESTART_RATE = 1200
_IN_FLIGHT_SECONDS = 0.5
"""Inserts of a killed worker may still appear within this time; later ones are the new worker's."""
_WARM_SECONDS = 3.0
_FOREVER_SECONDS = 86400.0


class Row(Struct, frozen=True):
    """Milliseconds from the publisher's call to the counts, and seconds from a SIGKILL to the next count."""

    case: str
    events: int | None = None
    events_per_second: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    error_ms: float | None = None
    """By this much a delay may be too long: the 99th percentile of the time between two polls."""
    cores: float | None = None
    """CPU seconds a second of workers, ClickHouse and Kafka; polling is part of it."""
    first_count_seconds: float | None = None


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def measured(deployment: Deployment, rate: int, seconds: float) -> Row:
    """PacedTraffic at this rate, and how fresh the counts of each of its events were."""
    _say(f"{rate:,} events/s for {seconds:.0f} s")
    source, probe, before = f"traffic-{rate}", FreshnessProbe(deployment.clickhouse), deployment.used()
    probe.start()
    called = PacedTraffic(deployment.kafka, source, rate, seconds).calls()
    spent = deployment.spent(before)
    wait_until_counted(deployment.kafka, deployment.clickhouse)
    time.sleep(10 * POLL_SECONDS)
    probe.stop()
    with connect_clickhouse(deployment.clickhouse) as client:
        found = delays(called, _places(client, source), probe.observations)
    if len(found) != len(called):
        raise click.ClickException(f"{len(called):,} events were published, {len(found):,} are stored")
    at = list(called.values())
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    return Row(
        case=f"{rate:,} events/s",
        events=len(found),
        events_per_second=round(len(at) / (at[-1] - at[0])),
        **{name: _milliseconds(percentile(found, share)) for name, share in shares.items()},
        error_ms=_milliseconds(probe.error()),
        cores=round(spent.cpu_seconds / spent.seconds, 2),
    )


def restarted(deployment: Deployment, rate: int, workers: int) -> Row:
    """Every worker is killed under traffic and started again at once: when the next count is there, at the latest."""
    _say(f"SIGKILL under {rate:,} events/s, {RESTARTS} times")
    probe, traffic = (
        FreshnessProbe(deployment.clickhouse),
        PacedTraffic(deployment.kafka, "traffic-killed", rate, _FOREVER_SECONDS),
    )
    probe.start()
    took = []
    for _ in range(RESTARTS):
        time.sleep(_WARM_SECONDS)
        for _ in range(workers):
            deployment.kill_worker()
        killed = time.monotonic()
        deployment.start_workers(workers)
        took.append(probe.first_after(killed + _IN_FLIGHT_SECONDS) - killed)
    called = traffic.stop()
    wait_until_counted(deployment.kafka, deployment.clickhouse)
    probe.stop()
    _say("first count after " + ", ".join(f"{each:.1f} s" for each in took))
    return Row(f"SIGKILL, {rate:,} events/s, {RESTARTS} times", len(called), first_count_seconds=round(max(took), 1))


@click.command()
@click.option("--rates", default="60,1200,5000", show_default=True, help="Events a second, one after another.")
@click.option("--seconds", type=click.IntRange(1), default=60, show_default=True, help="How long each of them.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Workers that count.")
@data_option("Where its own folder, bench-freshness, is made anew.")
@out_options("freshness")
def main(rates: str, seconds: int, workers: int, data: Path, out: Path) -> None:
    """Publish events one by one at each rate, and say how fresh the counts are; then kill workers under traffic."""
    folder = data.absolute() / "bench-freshness"
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        deployment = stack.enter_context(Deployment(folder))
        deployment.start_workers(workers)
        rows = [measured(deployment, int(rate), seconds) for rate in rates.split(",")]
        rows.append(restarted(deployment, RESTART_RATE, workers))
    write_result(out, Result(this_machine(), command_of("bench.freshness"), rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


def _places(client: Client, source: str) -> list[tuple[str, int, int]]:
    # Events of another rate may have the same ids.
    sql = "SELECT id, partition, offset FROM events FINAL WHERE source = %(source)s"
    rows: list[tuple[str, int, int]] = client.execute(sql, {"source": source})
    return rows


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
