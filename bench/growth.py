"""`python -m bench.growth`: what counting costs with one, three and ten million dossiers in the database.

A model of a hundred thousand dossiers is counted; the rest are copies of their facts and events under other ids. Old
dossiers of any time are counted three times: with complete local state, without any, and while it is restored.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import click
import msgspec
from clickhouse_driver import Client
from msgspec import Struct, structs

from bench.command_options import command_of, data_option, out_options, write_result
from bench.deployment import Deployment, Spent
from bench.machine import Machine, this_machine
from bench.seed_case.case_lives import DOSSIERS
from bench.seed_case.history import history
from cli.signals import stop_signals
from connectors.publishing.publisher import BULK, connect
from schemas.envelope import decode_event
from schemas.events import Event, Rated
from streams.storage.clickhouse_client import connect as connect_clickhouse
from streams.storage.counting_progress import Lag, lag
from streams.storage.state_folder import folders
from streams.storage.state_report import read_heads

MODEL = 100_000
"""Dossiers of the model, and of each copy of it."""
_MODEL_YEARS = (2018, 2019, 2020)
_MOST_SIZES = 3
"""Each size has a year of its own after the model's, and so have two more slices; none may lie in the future."""
_COPY = Path(__file__).with_suffix(".sql")
_PARTITIONS = 8
_FEW = 1_000
_ROUND_SECONDS = 10.0
_CAUGHT_UP = 0.3
"""So much of a slice is counted before it is measured: the first worker has all partitions until the others join."""
_MODEL_TABLES = ("facts", "events")


class Row(Struct, frozen=True):
    """A slice counted on top of so many dossiers, from its first count on, or later with complete local state.

    Megabytes are of one worker at most.
    """

    dossiers: str
    slice: str
    workers: int
    events: int
    events_per_second: int
    cpu_seconds_per_million: float
    worker_mb: float
    first_count_seconds: float
    disk_gb: float
    rows_merged_per_event: float
    merge_seconds_per_million: float
    local_state: str
    state_mb: int
    times_the_cost: float | None = None
    """Its CPU seconds per million events as a multiple of those with complete local state."""


class Restored(Struct, frozen=True):
    """Local state of so many dossiers, of which these workers restored what they had not, and what it took.

    The first restore everything; where there are more or fewer workers, some partitions go to others.
    """

    dossiers: str
    workers: int
    seconds: float
    cpu_seconds: float
    worker_mb: float
    state_mb: int


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]
    restored: list[Restored]


class Growth:
    """A deployment whose database grows; slices are counted on top of it."""

    def __init__(self, deployment: Deployment, client: Client, seed: int) -> None:
        self._deployment = deployment
        self._client = client
        self._seed = seed
        self._copies = self._turn = 0
        self._state = deployment.data / "state"
        self._year = _MODEL_YEARS[-1]

    def begin(self) -> None:
        """Count the model."""
        _say(f"counting a model of {MODEL:,} dossiers")
        self._publish(map(decode_event, history(self._seed, MODEL)))
        self._deployment.count_everything()
        self._deployment.stop_workers()
        for table in _MODEL_TABLES:
            self._client.execute(
                f"CREATE TABLE model_{table} ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM {table} FINAL"  # noqa: S608  # our names
            )
        self._copies = 1

    def grow(self, dossiers: int) -> None:
        """Copy the model until there are so many."""
        for copy in range(self._copies, max(self._copies, dossiers // MODEL)):
            _say(f"{copy * MODEL:,} of {dossiers:,} dossiers")
            for statement in _COPY.read_text().format(copy=copy, partitions=_PARTITIONS).split(";"):
                if statement.strip():
                    self._client.execute(statement)
            self._copies = copy + 1
        while self._client.execute("SELECT count() FROM system.merges")[0][0]:
            time.sleep(1.0)
        # It does not have the copies, which no worker counted.
        self.drop_state()

    def drop_state(self) -> None:
        """Delete the local state of all workers."""
        shutil.rmtree(self._state, ignore_errors=True)

    def restore(self, workers: int) -> Restored:
        """Let so many workers restore the local state of what they lack of their partitions."""
        _say(f"{self._copies * MODEL:,} dossiers: {workers} workers restore local state")
        before = self._deployment.used()
        self._deployment.start_workers(workers)
        while not self._is_restored():
            # Restoring begins with a record of the partition, also after a rebalance, and its head moves with one.
            self._turn += 1
            self._publish(self._rated(_FEW, of_one_time=True))
            self._deployment.count_everything(workers=0)
            self._wait_until_restored()
        spent = self._deployment.spent(before)
        self._deployment.stop_workers()
        return Restored(
            dossiers=self._dossiers,
            workers=workers,
            seconds=round(spent.seconds, 1),
            cpu_seconds=round(spent.cpu_seconds, 1),
            worker_mb=round(spent.worker.peak_mb, 1),
            state_mb=self._state_mb(),
        )

    def new(self, workers: int, events: int) -> Row:
        """The first weeks of a new year in a capital: dossiers that were never first_count, six thousand a day."""
        self._year += 1
        lines = islice(history(self._seed, DOSSIERS), events)
        return self._slice("new dossiers", workers, (decode_event(_moved(line, self._year)) for line in lines))

    def old(self, workers: int, events: int, *, of_one_time: bool, state: str = "complete") -> Row:
        """The last day of that year: each event is of another old dossier, none of which is remembered.

        They are of one time, and then stand together in the table's order, or of any. Local `state` is complete, off,
        or missing, and then it is restored while they are counted.
        """
        self._turn += 1
        if state == "missing":
            self.drop_state()
        variables = {"DOSSIER_STATE": "off"} if state == "off" else {}
        name = "old dossiers of one time" if of_one_time else "old dossiers of any time"
        return self._slice(name, workers, self._rated(events, of_one_time=of_one_time), state, **variables)

    def _rated(self, events: int, *, of_one_time: bool) -> Iterator[Rated]:
        """Events of old dossiers, others each time."""
        # Windows do not include the copies: only events that add to them can be sent.
        unrated = "SELECT dossier FROM model_facts WHERE rated_at IS NULL ORDER BY dossier"
        names = [name for (name,) in self._client.execute(unrated)]
        copies = self._copies - 1
        there = range(len(names) * copies)
        if of_one_time:
            there = there[len(there) // 3 :][: 2 * events]
        chosen = Random(self._seed + self._turn).sample(there, min(events, len(there) // 2))
        at = datetime(self._year, 12, 30, 9, tzinfo=UTC)
        dossiers = (f"{names[each // copies]}-{1 + each % copies}" for each in chosen)
        return (
            Rated(
                id=f"{dossier}-{self._year}-{self._turn}",
                dossier=dossier,
                source="bench",
                occurred_at=at,
                satisfied=True,
            )
            for dossier in dossiers
        )

    def _slice(
        self, name: str, workers: int, events: Iterable[Event], state: str = "complete", **variables: str
    ) -> Row:
        count = self._publish(events)
        _say(f"{self._copies * MODEL:,} dossiers, {workers} workers: {count:,} events of {name}, local state {state}")
        merged, begun = self._merged(), time.monotonic()
        waiting = lag(self._deployment.kafka, self._deployment.clickhouse)
        # Local state that is complete was caught up with by then, and what is missing is being restored.
        begins_at = waiting.counted + (waiting.left * _CAUGHT_UP if state == "complete" else 0)
        first_count: list[float] = []
        measured_from: list[tuple[Lag, Spent]] = []

        def observe(now: Lag) -> None:
            if not first_count and now.counted > waiting.counted:
                first_count.append(time.monotonic())
            if not measured_from and now.counted > begins_at:
                measured_from.append((now, self._deployment.used()))

        self._deployment.count_everything(workers, observe, **variables)
        first, then = measured_from[0]
        spent = self._deployment.spent(then)
        self._deployment.stop_workers()
        if not first.left:
            raise click.ClickException(f"{count} events were counted at once, which tells nothing: raise --events")
        counted = count * first.left / waiting.left
        rows, seconds = (after - before for before, after in zip(merged, self._merged(), strict=True))
        return Row(
            dossiers=self._dossiers,
            slice=name,
            workers=workers,
            events=count,
            events_per_second=round(counted / spent.seconds),
            cpu_seconds_per_million=round(spent.cpu_seconds / counted * 1e6, 1),
            worker_mb=round(spent.worker.peak_mb, 1),
            first_count_seconds=round(first_count[0] - begun, 1),
            disk_gb=round(self._disk() / 1e9, 1),
            rows_merged_per_event=round(rows / count, 1),
            merge_seconds_per_million=round(seconds / count * 1e6, 1),
            local_state=state,
            state_mb=self._state_mb(),
        )

    @property
    def _dossiers(self) -> str:
        return f"{self._copies * MODEL / 1e6:g} M"

    def _wait_until_restored(self) -> None:
        deadline = time.monotonic() + _ROUND_SECONDS
        while not self._is_restored() and time.monotonic() < deadline:
            time.sleep(0.5)

    def _is_restored(self) -> bool:
        """Whether the local state of every partition is complete at its owner, whose head moves with progress."""
        reached = dict(self._client.execute("SELECT partition, max(pos) FROM progress GROUP BY partition"))
        heads = [head for folder in folders(self._state) for head in read_heads(folder, _PARTITIONS)]
        complete = {(head.partition, head.complete) for head in heads if head.scanned is None}
        return complete >= reached.items()

    def _state_mb(self) -> int:
        return sum(file.stat().st_size for file in self._state.rglob("*") if file.is_file()) >> 20

    def _publish(self, events: Iterable[Event]) -> int:
        count = 0
        with connect(self._deployment.kafka, BULK) as publisher:
            for event in events:
                publisher.publish(event)
                count += 1
        return count

    def _merged(self) -> tuple[int, float]:
        """Rows that were merged since ClickHouse started, and the seconds that it was busy with them."""
        found = dict(self._client.execute("SELECT event, value FROM system.events"))
        return found.get("MergedRows", 0), found.get("MergeExecuteMilliseconds", 0) / 1000

    def _disk(self) -> int:
        sql = (
            "SELECT sum(bytes_on_disk) FROM system.parts "
            "WHERE active AND database = currentDatabase() AND NOT startsWith(table, 'model')"
        )
        return int(self._client.execute(sql)[0][0])


@click.command()
@click.option("--dossiers", default="1,3,10", show_default=True, help="Millions in the database, one after another.")
@click.option("--events", type=click.IntRange(1000), default=400_000, show_default=True, help="Of each slice, about.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same events.")
@data_option("Where its own folder, bench-growth, is made anew; ten million dossiers take 10 GB.")
@out_options("growth")
def main(dossiers: str, events: int, seed: int, data: Path, out: Path) -> None:
    """Grow a database, and count new dossiers and old ones on top of it, by one, two and four workers at the end."""
    folder = data.absolute() / "bench-growth"
    rows: list[Row] = []
    restored: list[Restored] = []
    sizes = _sizes(dossiers)
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        deployment = stack.enter_context(Deployment(folder))
        client = stack.enter_context(connect_clickhouse(deployment.clickhouse))
        growth = Growth(deployment, client, seed)
        growth.begin()
        for size in sizes:
            growth.grow(size)
            restored.append(growth.restore(2))
            rows.append(growth.new(2, events))
            rows.append(growth.old(2, events, of_one_time=True))
            rows.append(complete := growth.old(2, events, of_one_time=False))
            for state in ("off", "missing"):
                row = growth.old(2, events, of_one_time=False, state=state)
                cost = round(row.cpu_seconds_per_million / complete.cpu_seconds_per_million, 1)
                rows.append(structs.replace(row, times_the_cost=cost))
        for workers in (1, 4):
            restored.append(growth.restore(workers))
            rows.append(growth.new(workers, events))
    write_result(out, Result(this_machine(), command_of("bench.growth"), rows, restored))
    for measured in (*rows, *restored):
        click.echo(msgspec.json.encode(measured))


def _sizes(millions: str) -> list[int]:
    """The sizes in dossiers; what is wrong shows before anything starts."""
    try:
        sizes = [round(float(each) * 1e6) for each in millions.split(",")]
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{millions!r} is not a list of numbers", param_hint="--dossiers") from None
    if len(sizes) > _MOST_SIZES:
        raise click.BadParameter(f"{millions}: {_MOST_SIZES} sizes at most", param_hint="--dossiers")
    if min(sizes) < 2 * MODEL or sizes != sorted(sizes):
        raise click.BadParameter(f"{millions}: growing sizes from {2 * MODEL / 1e6:g} on", param_hint="--dossiers")
    return sizes


def _moved(line: bytes, year: int) -> bytes:
    """The same event in another year, of a dossier of another name."""
    for since, before in enumerate(_MODEL_YEARS[:2]):
        line = line.replace(b'"%d-' % before, b'"%d-' % (year + since))
    return line.replace(b'","source":', b'-%d","source":' % year).replace(b'","dossier":', b'-%d","dossier":' % year)


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
