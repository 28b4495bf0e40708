"""`python -m bench.audit`: what an audit takes, and beside it reading and folding the same events as a rebuild does.

The events of a simulated city are counted; then everything is audited, and then raw events are read with FINAL, each
decoded whole, and folded, which is less than an audit does. What ten million dossiers take follows from the rate.
"""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click
import msgspec
import psutil
from msgspec import Struct

from bench.command_options import command_of, data_option, out_options, write_result
from bench.embedded_store import PARTITIONS, embedded_store
from bench.machine import Machine, this_machine
from chaos.memory_store import MemoryDeadLetters
from connectors.simulator.history import history
from connectors.simulator.simulation_plan import Plan as City
from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from schemas.topics import EVENTS
from streams.audit.audit_run import audit
from streams.counting.batch_counting import Counting
from streams.counting.facts import facts_of
from streams.counting.identity import Identity
from streams.counting.registers import merged, pack
from streams.on_time.ruling import built_in_ruling
from streams.rebuild.replay import records_from_events, stored_events
from streams.storage.clickhouse_store import ClickHouseStore
from streams.worker.pipeline import Pipeline

_BEGIN, _END = datetime(2025, 1, 6, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)
_RECORDS = 64
_TEN_MILLION = 10_000_000


class Row(Struct, frozen=True):
    """Seconds, CPU seconds of this process and of ClickHouse, and minutes of a core for ten million such dossiers."""

    what: str
    dossiers: int
    events: int
    seconds: float
    auditor_cpu_seconds: float
    clickhouse_cpu_seconds: float
    ten_million_core_minutes: float


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]
    times_the_cpu_of_reading: float


def count(clickhouse: ClickHouseConnection, dossiers: int) -> int:
    """Count the events of so many dossiers; returns how many events those are."""
    events = [event for _, event in history(City(seed=1, agencies=60), _BEGIN, _END, dossiers)]
    with (
        closing(ClickHouseStore(clickhouse)) as store,
        closing(
            Pipeline(
                Counting(Identity(EVENTS, PARTITIONS, 1, Profile(), built_in_ruling()), store),
                store,
                MemoryDeadLetters(),
            )
        ) as at,
    ):
        records = list(records_from_events(events, PARTITIONS))
        for first in range(0, len(records), _RECORDS):
            at.take(records[first : first + _RECORDS])
        at.settle()
    return len(events)


def plainly(clickhouse: ClickHouseConnection) -> None:
    """Fold all facts anew from events as a rebuild reads them."""
    for _, of_dossier in groupby(stored_events(clickhouse), key=lambda pair: pair[0]):
        registers = merged(event for _, event in of_dossier)
        facts_of(registers)
        pack(registers)


def measured(what: str, dossiers: int, events: int, server: psutil.Process, do: Callable[[], object]) -> Row:
    """Do it once."""
    own = psutil.Process()
    before = sum(own.cpu_times()[:2]), sum(server.cpu_times()[:2])
    began = time.perf_counter()
    do()
    seconds = time.perf_counter() - began
    after = sum(own.cpu_times()[:2]), sum(server.cpu_times()[:2])
    own_cpu, server_cpu = (then - first for first, then in zip(before, after, strict=True))
    minutes = (own_cpu + server_cpu) / dossiers * _TEN_MILLION / 60
    return Row(what, dossiers, events, round(seconds, 1), round(own_cpu, 1), round(server_cpu, 1), round(minutes, 1))


@click.command()
@click.option("--dossiers", type=click.IntRange(1000), default=100_000, show_default=True)
@data_option("Where its own folder, bench-audit, is made anew.")
@out_options("audit")
def main(dossiers: int, data: Path, out: Path) -> None:
    """Audit a simulated city of so many dossiers."""
    folder = data.absolute() / "bench-audit"
    with embedded_store(folder) as (clickhouse, server):
        events = count(clickhouse, dossiers)
        rows = [
            measured("reading and folding", dossiers, events, server, lambda: plainly(clickhouse)),
            measured("audit", dossiers, events, server, lambda: audit(clickhouse, Profile())),
        ]
    result = Result(
        this_machine(),
        command_of("bench.audit"),
        rows,
        round(rows[1].ten_million_core_minutes / rows[0].ten_million_core_minutes, 2),
    )
    write_result(out, result)
    click.echo(msgspec.json.format(msgspec.json.encode(result)))


if __name__ == "__main__":
    main()
