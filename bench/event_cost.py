"""`python -m bench.event_cost`: single steps of counting beside their plain alternatives, on the same events.

Each step is measured in turns with its alternative, on batches of the seed case: CPU microseconds per event, of this
process and, for inserts, of ClickHouse, merges included.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

import click
import msgspec
import psutil
from clickhouse_driver import Client

from bench.page import markdown
from bench.profile import PARTITIONS, records
from chaos.memory_store import MemoryStore
from cli.signals import stop_signals
from deploy.embedded.platform import Options, Platform
from schemas.connection import KafkaConnection
from schemas.deployment_profile import Profile
from schemas.envelope import decode
from schemas.events import KINDS
from schemas.tables import EVENTS, FACTS, WINDOWS, Table
from schemas.topics import EVENTS as TOPIC
from streams.counting.batch import Batch
from streams.counting.batch_counting import Counting
from streams.counting.column_block import Block
from streams.counting.identity import Identity
from streams.counting.record import Record
from streams.counting.record_lines import read_lines
from streams.counting.registers import Registers, pack, register_of, unpack
from streams.counting.rejections import published_time
from streams.counting.store_interface import Row
from streams.on_time.ruling import built_in_ruling
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from streams.storage.table_migration import make_tables

HEADINGS = ("step", "alternative", "ours µs", "alternative µs", "ClickHouse, ours µs", "ClickHouse, alternative µs")
_TURNS = 5
_KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
_MSGPACK = msgspec.msgpack.Encoder()
Way: TypeAlias = Callable[[], object]
Spent: TypeAlias = tuple[float, float]
"""CPU seconds of this process and of ClickHouse."""


class _Forgetful(MemoryStore):
    """Keeps nothing: batches are kept by whoever counts."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
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
        client = connect(clickhouse)
        stack.callback(client.disconnect)
        waiting = records(seed, dossiers)
        batches = counted(waiting)
        events = sum(len(batch.events) for batch in batches)
        _say(f"{events:,} events in {len(batches)} batches")
        gc.disable()
        cpu = partial(_cpu, server)
        rows = [
            _row("read envelopes", "event by event", _reading(waiting), events),
            *[_row(f"insert {table.name}", "the driver's encoding", _inserting(client, batches, table, cpu), events)
              for table in (EVENTS, FACTS, WINDOWS)],
            _row("pack registers, insert facts", "packed compactly", _packing(client, batches, cpu), events),
        ]  # fmt: skip
    click.echo(f"{events:,} events of {dossiers:,} dossiers; CPU µs per event")
    click.echo(markdown(HEADINGS, rows, left=(0, 1)))


def counted(waiting: Sequence[Record]) -> list[Batch]:
    """The batches of these records, counted without a database."""
    counting = Counting(Identity(TOPIC, PARTITIONS, 1, Profile(), built_in_ruling()), _Forgetful())
    batches: list[Batch] = []
    for first in range(0, len(waiting), 64):
        batches += counting.count(waiting[first : first + 64], lambda: None, datetime.now(UTC))
    return batches


def _reading(waiting: Sequence[Record]) -> list[Spent]:
    def singly() -> None:
        for record in waiting:
            events = [event for _, event in decode(record.value, published_time(record)).events]
            [event.dossier for event in events], [event.source for event in events], list(map(register_of, events))

    def together() -> None:
        for record in waiting:
            read_lines(record)

    return measured([together, singly])


def _inserting(client: Client, batches: Sequence[Batch], table: Table, cpu: Callable[[], float]) -> list[Spent]:
    blocks: list[Block] = [getattr(batch, table.name) for batch in batches]
    kind = client.__class__

    def as_driver() -> None:
        client.__class__ = Client
        _insert(client, table, blocks, copied=True)
        client.__class__ = kind

    return measured([lambda: _insert(client, table, blocks), as_driver], cpu)


def _packing(client: Client, batches: Sequence[Batch], cpu: Callable[[], float]) -> list[Spent]:
    """What packing costs here and in ClickHouse; what reading them again costs is left out."""
    blocks = [batch.facts for batch in batches]
    place = list(FACTS.columns).index("registers")
    cases = [list(map(unpack, block.columns[place])) for block in blocks]

    def inserted(packed: Callable[[str, Registers], bytes]) -> None:
        for block, of_block in zip(blocks, cases, strict=True):
            block.columns[place] = list(map(packed, block.columns[0], of_block))
        _insert(client, FACTS, blocks)

    return measured([lambda: inserted(lambda _, case: pack(case)), lambda: inserted(_compact)], cpu)


def _compact(dossier: str, registers: Registers) -> bytes:
    """Kinds as codes, times as differences, ids as what follows the dossier's: two fifths of the bytes."""
    entries = []
    before = 0
    for key in sorted(registers):
        recorded, seq, name, kind, occurred, payload = registers[key]
        name = name[len(dossier) :] if name.startswith(dossier) else f"\0{name}"
        entries.append((_KIND_CODES[kind], recorded - before, seq, name, recorded - occurred, payload))
        before = recorded
    return _MSGPACK.encode(entries)


def _insert(client: Client, table: Table, blocks: Sequence[Block], copied: bool = False) -> None:
    """Insert each block as the store does, and merge them all; the driver changes columns that are not copied."""
    client.execute(f"TRUNCATE TABLE {table.name} SYNC")
    for block in blocks:
        for columns, part in block.parted(table):
            sent = list(map(list, part.columns)) if copied else part.columns
            client.execute(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES", sent, columnar=True)
    client.execute(f"OPTIMIZE TABLE {table.name} FINAL")


def measured(ways: Sequence[Way], cpu: Callable[[], float] = lambda: 0.0) -> list[Spent]:
    """The least CPU seconds of each way over several turns, of this process and of another."""
    spent: list[list[Spent]] = [[] for _ in ways]
    for _ in range(_TURNS):
        for way, turns in zip(ways, spent, strict=True):
            ours, theirs = time.process_time(), cpu()
            way()
            turns.append((time.process_time() - ours, cpu() - theirs))
    return [(min(ours for ours, _ in turns), min(theirs for _, theirs in turns)) for turns in spent]


def _row(step: str, alternative: str, spent: Sequence[Spent], events: int) -> tuple[str, ...]:
    shown = [f"{seconds / events * 1e6:.2f}" if seconds else "–" for of in zip(*spent, strict=True) for seconds in of]
    return step, alternative, *shown


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


_say = partial(click.echo, err=True)

if __name__ == "__main__":
    main()
