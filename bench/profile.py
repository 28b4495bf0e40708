"""`python -m bench.profile`: where the time of counting goes, in the worker and in ClickHouse.

A seed case is counted in this process, without Kafka and one step after another, so that every second has one owner.
"""

import cProfile
import pstats
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import click
import psutil

from bench.dataset import Line, envelopes
from bench.page import markdown
from bench.seed_case.history import history
from bench.timed_store import TimedStore
from chaos.memory_store import MemoryDeadLetters
from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from schemas.connection import KafkaConnection
from schemas.deployment_profile import Profile
from schemas.envelope import decode_event
from schemas.topics import EVENTS
from streams.counting.batch_counting import Counting
from streams.counting.identity import Identity
from streams.counting.local_state import LocalState
from streams.counting.record import Record
from streams.counting.write_order import flush
from streams.on_time.ruling import built_in_ruling
from streams.storage.deployment_plan import Plan
from streams.storage.state_folder import CountsOrigin, StateFolder
from streams.storage.table_migration import make_tables
from streams.worker.worker import tune_gc

PARTITIONS = 8
HEADINGS = ("ClickHouse", "calls", "rows", "ms", "ms a call", "CPU ms")


class AtOnce(Executor):
    """Does what it is given before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The future of what is done; raises what it raises."""
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def records(seed: int, dossiers: int) -> list[Record]:
    """The seed case as the publisher would send a backlog of it."""
    lines = (Line(decode_event(line).dossier, line) for line in history(seed, dossiers))
    offsets: defaultdict[int, Iterator[int]] = defaultdict(count)
    now = round(time.time() * 1000)
    return [
        Record(each.partition, next(offsets[each.partition]), now, each.value) for each in envelopes(lines, PARTITIONS)
    ]


@click.command()
@click.option("--dossiers", type=click.IntRange(1), default=50_000, show_default=True, help="About four events each.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same events.")
@click.option("--batch-records", type=click.IntRange(1), default=64, show_default=True, help="Records of a batch.")
@click.option("--functions", type=click.IntRange(1), default=25, show_default=True, help="How many are shown.")
def main(dossiers: int, seed: int, batch_records: int, functions: int) -> None:
    """Count a seed case under a profiler: the worker's functions by own time, then each kind of call to ClickHouse.

    A profiler makes many small calls dearer than they are: compare functions, not totals.
    """
    with ExitStack() as stack:
        stack.enter_context(stop_signals(lambda: None, lambda: None))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-profile-"))
        platform = stack.enter_context(Platform(Path(folder), Options(kafka=False)))
        clickhouse = platform.clickhouse_access
        make_tables(Plan(KafkaConnection(""), clickhouse, Profile(), PARTITIONS, 1, False), _say, dry_run=False)
        server = next(psutil.Process(each.pid) for each in platform.state.processes if each.name == "clickhouse")
        store = TimedStore(clickhouse, lambda: sum(server.cpu_times()[:2]))
        stack.callback(store.close)
        states = StateFolder(Path(folder) / "state", None, CountsOrigin(1, "profile", PARTITIONS, clickhouse.database))
        local = LocalState(store, EVENTS)
        local.open_with(*states.open())
        stack.callback(local.close)
        waiting = records(seed, dossiers)
        _say(f"counting {len(waiting):,} records")
        tune_gc()
        with cProfile.Profile() as profiler:
            written = _count(waiting, store, local, batch_records)
    click.echo(f"{written:,} events of {dossiers:,} dossiers, {batch_records} records a batch")
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(functions)
    click.echo(
        markdown(HEADINGS, [_shown(call, *spent) for call, spent in sorted(store.spent.items()) if spent[1]], left=(0,))
    )


def _count(waiting: Sequence[Record], store: TimedStore, local: LocalState, batch_records: int) -> int:
    counting = Counting(Identity(EVENTS, PARTITIONS, 1, Profile(), built_in_ruling()), store, local=local)
    dead, beside, events = MemoryDeadLetters(), AtOnce(), 0
    for first in range(0, len(waiting), batch_records):
        for batch in counting.count(waiting[first : first + batch_records], lambda: None, datetime.now(UTC)):
            flush(batch, store, dead, beside)
            local.enter(batch.facts, batch.progress)
            counting.trim([batch])
            events += len(batch.events)
        # A worker has a thread for it.
        deque(local.restore(), maxlen=0)
    return events


def _shown(call: str, calls: float, rows: float, seconds: float, cpu: float) -> tuple[str, ...]:
    milliseconds = f"{seconds * 1e3:,.0f}", f"{seconds * 1e3 / calls:,.1f}", f"{cpu * 1e3:,.0f}"
    return call, f"{calls:,.0f}", f"{rows:,.0f}", *milliseconds


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
