"""What came of replaying the seed case: the result file, and the table for people."""

from msgspec import Struct
from rich.table import Table

from bench.deployment import Spent
from bench.machine import Machine
from bench.seed_case.publishing import Published


class Replay(Struct, frozen=True):
    """A topic counted: wall seconds from the start of the workers until all was, CPU seconds of all processes."""

    events: int
    seconds: float
    events_per_second: int
    cpu_seconds_per_million: float
    worker_peak_mb: float
    differences: int


class Result(Struct, frozen=True, kw_only=True):
    """The result file. The figures of dossiers are what the database says, the others those of the first replay."""

    dossiers: int
    online: int
    resolved: int
    on_time: int
    events: int
    seconds: float
    events_per_second: int
    cpu_seconds_per_million: float
    worker_peak_mb: float
    differences: int
    second_replay: Replay
    publishing: Published
    machine: Machine
    command: str
    seed: int


def replayed(events: int, spent: Spent, differences: int) -> Replay:
    """The replay of so many events that took so much."""
    return Replay(
        events=events,
        seconds=round(spent.seconds, 1),
        events_per_second=round(events / spent.seconds),
        cpu_seconds_per_million=round(spent.cpu_seconds / events * 1e6, 2),
        worker_peak_mb=round(spent.worker.peak_mb, 1),
        differences=differences,
    )


def table(result: Result, first: Spent, second: Spent) -> Table:
    """One row for publishing and one for each replay."""
    shown = Table(
        title=f"{result.dossiers:,} dossiers, {result.online:,} online, {result.resolved:,} resolved, "
        f"{result.on_time:,} of them on time",
        caption="CPU seconds are per million events, megabytes the greatest that a process had",
    )
    shown.add_column("")
    for heading in ("events", "seconds", "events/s", "CPU s: worker", "ClickHouse", "Kafka", "together", "MB"):
        shown.add_column(heading, justify="right")
    shown.add_column("differences", justify="right")
    made = result.publishing
    blank = ("",) * 4
    shown.add_row("published", *_speed(made), *blank, f"{made.peak_mb:,.0f}", "")
    for name, replay, spent in (
        ("counted", result, first),
        ("counted again", result.second_replay, second),
    ):
        parts = (spent.worker.cpu_seconds, spent.clickhouse.cpu_seconds, spent.kafka.cpu_seconds, spent.cpu_seconds)
        shown.add_row(
            name,
            *_speed(replay),
            *(f"{seconds / replay.events * 1e6:.1f}" for seconds in parts),
            f"{replay.worker_peak_mb:,.0f}",
            f"{replay.differences:,}",
            style="red" if replay.differences else None,
        )
    return shown


def _speed(done: Published | Result | Replay) -> tuple[str, str, str]:
    return f"{done.events:,}", f"{done.seconds:,.1f}", f"{done.events_per_second:,}"
