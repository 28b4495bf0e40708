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
from bench.deployment import Deployment, Spent
from bench.freshness_probe import POLL_SECONDS, FreshnessProbe, delays, percentile
from bench.machine import Machine, this_machine
from bench.paced_traffic import PacedTraffic
from cli.signals import stop_signals
from streams.counting.log_position import pack
from streams.storage.clickhouse_client import connect as connect_clickhouse
from streams.storage.counting_progress import wait_until_counted

RESTARTS = 5
RESTART_RATE = 1200
_IN_FLIGHT_SECONDS = 0.5
"""Inserts of a killed worker may still appear within this time; later ones are the new worker's."""
_WARM_SECONDS = 3.0
_WARM_UP_SECONDS = 20.0
_FOREVER_SECONDS = 86400.0
_ALWAYS_COUNTED = "received"
"""The kind of which each event changes a window."""


class Row(Struct, frozen=True):
    """Milliseconds from the publisher's call to the counts, and seconds from a SIGKILL to the next count."""

    case: str
    events: int | None = None
    events_per_second: int | None = None
    p50_ms: float | None = None
    """Until the event is in its windows, which wallboards read."""
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    all_p50_ms: float | None = None
    """Until everything of it is written: facts, raw event and progress."""
    all_p99_ms: float | None = None
    error_ms: float | None = None
    """By this much a delay may be too long: the 99th percentile of the time between two polls."""
    cores: float | None = None
    """CPU seconds a second of workers, ClickHouse and Kafka together, while nothing polls."""
    worker_cores: float | None = None
    clickhouse_cores: float | None = None
    kafka_cores: float | None = None
    inserts_per_second: float | None = None
    parts_per_second: float | None = None
    """Parts that inserts make; each month of a table has its own."""
    first_count_seconds: float | None = None


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def measured(deployment: Deployment, rate: int, seconds: float, days_ago: int) -> Row:
    """Traffic at this rate, of this day and the next: what it costs, and then, beside a costly probe, its freshness."""
    _say(f"{rate:,} events/s for {seconds:.0f} s, twice")
    with connect_clickhouse(deployment.clickhouse) as client:
        before, made = deployment.used(), _made(client)
        PacedTraffic(deployment.kafka, f"cost-{rate}", rate, seconds, days_ago).calls()
        spent = deployment.spent(before)
        inserts, parts = (after - earlier for after, earlier in zip(_made(client), made, strict=True))
        source, probe = f"traffic-{rate}", FreshnessProbe(deployment.clickhouse)
        probe.start()
        called = PacedTraffic(deployment.kafka, source, rate, seconds, days_ago - 1).calls()
        wait_until_counted(deployment.kafka, deployment.clickhouse)
        time.sleep(10 * POLL_SECONDS)
        probe.stop()
        places = _places(client, source)
    if len(places) != len(called):
        raise click.ClickException(f"{len(called):,} events were published, {len(places):,} are stored")
    windows = delays(
        called, [place[1:] for place in places if place[0] == _ALWAYS_COUNTED], probe.observations["windows"]
    )
    everything = delays(called, [place[1:] for place in places], probe.observations["all"])
    at = list(called.values())
    return Row(
        case=f"{rate:,} events/s",
        events=len(places),
        events_per_second=round(len(at) / (at[-1] - at[0])),
        p50_ms=_milliseconds(percentile(windows, 0.5)),
        p95_ms=_milliseconds(percentile(windows, 0.95)),
        p99_ms=_milliseconds(percentile(windows, 0.99)),
        max_ms=_milliseconds(windows[-1]),
        all_p50_ms=_milliseconds(percentile(everything, 0.5)),
        all_p99_ms=_milliseconds(percentile(everything, 0.99)),
        error_ms=_milliseconds(probe.error()),
        cores=_a_second(spent.cpu_seconds, spent),
        worker_cores=_a_second(spent.worker.cpu_seconds, spent),
        clickhouse_cores=_a_second(spent.clickhouse.cpu_seconds, spent),
        kafka_cores=_a_second(spent.kafka.cpu_seconds, spent),
        inserts_per_second=_a_second(inserts, spent),
        parts_per_second=_a_second(parts, spent),
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
        asked = [int(rate) for rate in rates.split(",")]
        # Kafka compiles itself while it is used: what it costs in its first seconds is no matter of a rate.
        PacedTraffic(deployment.kafka, "warm-up", asked[0], _WARM_UP_SECONDS, 2 * len(asked) + 1).calls()
        # The oldest day comes first, as windows in real traffic are mostly new.
        rows = [measured(deployment, rate, seconds, 2 * (len(asked) - number)) for number, rate in enumerate(asked)]
        rows.append(restarted(deployment, RESTART_RATE, workers))
    write_result(out, Result(this_machine(), command_of("bench.freshness"), rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


def _places(client: Client, source: str) -> list[tuple[str, str, int, int]]:
    """Kind, id, partition and position of each event of the source; those of another may have the same ids."""
    sql = "SELECT kind, id, partition, epoch, offset, line FROM events FINAL WHERE source = %(source)s"
    rows = client.execute(sql, {"source": source})
    return [(kind, event, partition, pack(*place)) for kind, event, partition, *place in rows]


def _made(client: Client) -> tuple[int, int]:
    """How many inserts ClickHouse has executed since it started, and how many parts these made."""
    sql = """
    SELECT sumIf(value, event = 'InsertQuery'), sumIf(value, event IN ('InsertedWideParts', 'InsertedCompactParts'))
    FROM system.events
    """
    ((inserts, parts),) = client.execute(sql)
    return inserts, parts


def _a_second(amount: float, spent: Spent) -> float:
    return round(amount / spent.seconds, 2)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
