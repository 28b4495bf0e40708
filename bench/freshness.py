"""`python -m bench.freshness`: how long a count takes from the publisher's call, and after the SIGKILL of a worker."""

import shlex
import shutil
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from clickhouse_driver import Client
from msgspec import Struct

from bench.deployment import Deployment
from bench.machine import Machine, this_machine
from cli.signals import stop_signals
from connectors.publisher import LIVE, connect
from connectors.simulator.live import live
from connectors.simulator.pacing import paced
from connectors.simulator.plan import Plan
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.topics import EVENTS
from streams.clickhouse import connect as connect_clickhouse
from streams.progress import wait_until_counted

RESULT = Path(__file__).parent / "results" / "freshness.json"
POLL_SECONDS = 0.01
"""Between two looks: a delay is up to this and one query too long, never too short."""
RESTARTS = 5
RESTART_RATE = 1200
_IN_FLIGHT_SECONDS = 0.5
"""What a killed worker had sent may still appear; what appears later is the new one's."""
_WARM_SECONDS = 3.0


class Sighting(NamedTuple):
    """When it was seen that a partition is counted up to an offset; seconds of the monotonic clock."""

    at: float
    offset: int


class Row(Struct, frozen=True):
    """Milliseconds from the publisher's call to the counts, and seconds from a SIGKILL to the next count."""

    case: str
    events: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    first_count_seconds: float | None = None


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed."""
    return ascending[max(0, -int(-len(ascending) * share // 1) - 1)]


def delays(
    called: Mapping[str, float], places: Iterable[tuple[str, int, int]], sightings: Mapping[int, Sequence[Sighting]]
) -> list[float]:
    """Seconds from each call until its event was seen counted, ascending.

    `places` are (event id, partition, offset); the sightings of a partition are ascending. Raises IndexError for an
    event that was never seen counted.
    """
    found = []
    for event, partition, offset in places:
        seen = sightings[partition]
        found.append(seen[bisect_left(seen, offset, key=lambda sighting: sighting.offset)].at - called[event])
    return sorted(found)


class Watch(threading.Thread):
    """Looks how far each partition is counted, again and again, until it is stopped."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        super().__init__(name="watch", daemon=True)
        self.sightings: dict[int, list[Sighting]] = {}
        self._client = connect_clickhouse(clickhouse)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look."""
        sql = "SELECT partition, max(offset) FROM progress WHERE topic = %(topic)s GROUP BY partition"
        while not self._stopped.wait(POLL_SECONDS):
            found, at = self._client.execute(sql, {"topic": EVENTS}), time.monotonic()
            for partition, offset in found:
                seen = self.sightings.setdefault(partition, [])
                if not seen or seen[-1].offset < offset:
                    seen.append(Sighting(at, offset))

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self.join()
        self._client.disconnect()

    def first_after(self, at: float) -> float:
        """When something was counted for the first time after this instant; waits for it."""
        while True:
            later = [seen.at for each in list(self.sightings.values()) for seen in each[-1:] if seen.at > at]
            if later:
                return min(later)
            time.sleep(POLL_SECONDS)


class Traffic(threading.Thread):
    """Publishes single events at a steady rate, for so long or until it is stopped, and notes when it did."""

    def __init__(self, kafka: KafkaConnection, rate: float, seconds: float, seed: int) -> None:
        super().__init__(name="traffic", daemon=True)
        self.called: dict[str, float] = {}
        self._publisher = connect(kafka, LIVE)
        self._rate, self._seconds, self._seed = rate, seconds, seed
        self._stopped = threading.Event()

    def run(self) -> None:
        """Publish."""
        start = datetime.now(UTC)
        end = start + timedelta(seconds=self._seconds)
        # Each rate has ids of its own: what comes again is counted at once.
        plan = Plan(seed=self._seed, duplicates=0.0, source=f"rate-{self._seed}")
        events = takewhile(lambda each: each[0] < end, live(plan, start, self._rate))
        with self._publisher as publisher:
            for event in paced(events, start, time.monotonic, time.sleep):
                if self._stopped.is_set():
                    return
                self.called[event.id] = time.monotonic()
                publisher.publish(event)

    def stop(self) -> None:
        """Publish no more."""
        self._stopped.set()
        self.join()


def measured(deployment: Deployment, rate: int, seconds: float) -> Row:
    """Traffic at this rate, and how fresh the counts of each of its events were."""
    _say(f"{rate:,} events/s for {seconds:.0f} s")
    watch, traffic = Watch(deployment.clickhouse), Traffic(deployment.kafka, rate, seconds, rate)
    watch.start()
    traffic.start()
    traffic.join()
    wait_until_counted(deployment.kafka, deployment.clickhouse)
    time.sleep(10 * POLL_SECONDS)
    watch.stop()
    with connect_clickhouse(deployment.clickhouse) as client:
        found = delays(traffic.called, _places(client, traffic.called), watch.sightings)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    figures = {name: round(percentile(found, share) * 1000, 1) for name, share in shares.items()}
    return Row(f"{rate:,} events/s", len(found), **figures)


def restarted(deployment: Deployment, rate: int, workers: int) -> Row:
    """Every worker is killed under traffic and started again at once: when the next count is there, at the latest."""
    _say(f"SIGKILL under {rate:,} events/s, {RESTARTS} times")
    watch, traffic = Watch(deployment.clickhouse), Traffic(deployment.kafka, rate, 3600.0, rate + 1)
    watch.start()
    traffic.start()
    took = []
    for _ in range(RESTARTS):
        time.sleep(_WARM_SECONDS)
        for _ in range(workers):
            deployment.kill_worker()
        killed = time.monotonic()
        deployment.start_workers(workers)
        took.append(watch.first_after(killed + _IN_FLIGHT_SECONDS) - killed)
    traffic.stop()
    wait_until_counted(deployment.kafka, deployment.clickhouse)
    watch.stop()
    _say("first count after " + ", ".join(f"{each:.1f} s" for each in took))
    return Row(f"SIGKILL, {rate:,} events/s", len(traffic.called), first_count_seconds=round(max(took), 1))


@click.command()
@click.option("--rates", default="60,1200,5000", show_default=True, help="Events a second, one after another.")
@click.option("--seconds", type=click.IntRange(1), default=60, show_default=True, help="How long each of them.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Workers that count.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DOSSIER_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Where its own folder, bench-freshness, is made anew.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=RESULT, help="The result, as JSON.")
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
    command = shlex.join(["python", "-m", "bench.freshness", *sys.argv[1:]])
    result = Result(this_machine(), command, rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    for row in rows:
        click.echo(msgspec.json.encode(row))


def _places(client: Client, called: Mapping[str, float]) -> list[tuple[str, int, int]]:
    sql = "SELECT id, partition, offset FROM events FINAL"
    return [(event, partition, offset) for event, partition, offset in client.execute(sql) if event in called]


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
