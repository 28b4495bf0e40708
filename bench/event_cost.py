"""`python -m bench.event_cost`: single steps of counting beside their plain alternatives, on the same events.

Each step is measured in turns with its alternative, on batches of the seed case: CPU microseconds per event, of this
process and, for inserts, of ClickHouse.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import click
import psutil
from clickhouse_driver import Client

from bench.page import markdown
from bench.profile import PARTITIONS, records
from chaos.memory_store import MemoryStore
from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile
from schemas.tables import EVENTS, FACTS, WINDOWS, Table
from schemas.topics import EVENTS as TOPIC
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.column_block import Block, Column
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables

HEADINGS = ("step", "the alternative", "µs", "ours µs", "ClickHouse µs", "ours, ClickHouse µs")
_ROUNDS = 4
Cpu: TypeAlias = Callable[[], float]
"""CPU seconds of a process so far."""
Way: TypeAlias = Callable[[], object]


class _Forgetful(MemoryStore):
    """Keeps nothing: batches are kept by whoever counts."""

    def write(self, table: Table, rows: Sequence[Any]) -> None:
        """Drop the rows."""


@click.command()
@click.option("--dossiers", type=click.IntRange(1), default=50_000, show_default=True, help="About four events each.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same events.")
def main(dossiers: int, seed: int) -> None:
    """Measure single steps of counting beside their plain alternatives."""
    with ExitStack() as stack:
        stack.enter_context(stop_signals(lambda: None, lambda: None))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-event-cost-"))
        platform = stack.enter_context(Platform(Path(folder), Options(kafka=False)))
        clickhouse = platform.clickhouse_access
        make_tables(Plan(KafkaConnection(""), clickhouse, Profile(), PARTITIONS, 1, False), _say, dry_run=False)
        server = next(psutil.Process(each.pid) for each in platform.state.processes if each.name == "clickhouse")
        waiting = records(seed, dossiers)
        batches = counted(waiting)
        events = sum(len(batch.events) for batch in batches)
        _say(f"{events:,} events in {len(batches)} batches")
        gc.disable()
        rows = [
            _inserts(batches, table, clickhouse, partial(_cpu, server), events) for table in (EVENTS, FACTS, WINDOWS)
        ]
    click.echo(f"{events:,} events of {dossiers:,} dossiers; CPU µs per event")
    click.echo(markdown(HEADINGS, rows, left=(0, 1)))


def counted(waiting: Sequence[Record]) -> list[Batch]:
    """The batches of these records, counted without a database."""
    counting = Counting(Identity(TOPIC, PARTITIONS, 1, Profile()), _Forgetful())
    batches: list[Batch] = []
    for first in range(0, len(waiting), 64):
        batches += counting.count(waiting[first : first + 64], lambda: None, datetime.now(UTC))
    return batches


def _inserts(
    batches: Sequence[Batch], table: Table, clickhouse: ClickHouseConnection, cpu: Cpu, events: int
) -> tuple[str, ...]:
    """The rows of a table, encoded by the driver and by us."""
    blocks = [getattr(batch, table.name) for batch in batches]
    with closing(_Plain(clickhouse)) as plain, closing(_Ours(clickhouse)) as ours:
        spent = measured([lambda: plain.insert(table, blocks), lambda: ours.insert(table, blocks)], cpu)
    return (f"insert {table.name}", "encoded by the driver", *_shown(spent, events))


class _Ours:
    """Inserts as the store does."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        self._client = connect(clickhouse)

    def insert(self, table: Table, blocks: Sequence[Block]) -> None:
        """Insert each block."""
        for block in blocks:
            for columns, part in block.parted(table):
                self._send(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES", part.columns)

    def _send(self, sql: str, columns: list[Column]) -> None:
        self._client.execute(sql, columns, columnar=True)

    def close(self) -> None:
        """Close the connection."""
        self._client.disconnect()


class _Plain(_Ours):
    """Inserts as the driver does."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        super().__init__(clickhouse)
        self._client.disconnect()
        self._client.__class__ = Client

    def _send(self, sql: str, columns: list[Column]) -> None:
        self._client.execute(sql, list(map(list, columns)), columnar=True)


def measured(ways: Sequence[Way], cpu: Cpu | None = None) -> list[tuple[float, float]]:
    """The least CPU seconds of each way over several turns: of this process, and of another where there is one."""
    spent = [[(0.0, 0.0)] * _ROUNDS for _ in ways]
    for turn in range(_ROUNDS):
        for way, of_way in zip(ways, spent, strict=True):
            ours, theirs = time.process_time(), cpu() if cpu else 0.0
            way()
            of_way[turn] = time.process_time() - ours, (cpu() if cpu else 0.0) - theirs
    return [(min(own for own, _ in of_way), min(other for _, other in of_way)) for of_way in spent]


def _shown(spent: Sequence[tuple[float, float]], events: int) -> tuple[str, ...]:
    own = [f"{ours / events * 1e6:.2f}" for ours, _ in spent]
    return (*own, *[f"{theirs / events * 1e6:.2f}" if theirs else "–" for _, theirs in spent])


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
