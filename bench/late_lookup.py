"""`python -m bench.late_lookup`: what it takes to find the late among a million open dossiers, and what scans cost.

The scanner of alerts is asked as a worker asks it: at first, where ten thousand alerts are due, and then where all of
them stand, as at a trickle. Beside it stands the least that a look can be: comparing the term that was sent.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec
import psutil
from clickhouse_driver import Client
from msgspec import Struct, structs

from bench.command_options import command_of, data_option, out_options, write_result
from bench.embedded_store import embedded_store
from bench.machine import Machine, this_machine
from schemas.alerts import DEFAULT_LEVELS, Alert, parse_levels
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import DueSoon, Profile
from schemas.events import Received, TermSet
from schemas.tables import ALERTS
from streams.alerts.scanner import SECONDS, OverdueScanner
from streams.counting.registers import merged, pack
from streams.on_time.ruling import built_in_ruling
from streams.storage.clickhouse_client import connect, insert

_MAKE = Path(__file__).with_suffix(".sql")
_AT_ONCE = 1_000_000
_PARTITIONS = list(range(8))
_AGENCIES = 3400
_PLAIN = "SELECT countIf(outcome = '' AND term < now64(6)) FROM facts FINAL SETTINGS max_threads = 1"
_PROFILES = {
    "by instant": Profile(leading_rule="instant"),
    "by date": Profile(leading_rule="date"),
    "by Decision 766": Profile(leading_rule="decision 766"),
    "by date, due soon in working hours": Profile(leading_rule="date", due_soon=DueSoon(24, "working hours")),
}


class Row(Struct, frozen=True):
    """A look: its seconds, the server's CPU seconds, and of scans the share of a core that they take all day."""

    look: str
    alerts: int
    seconds: float
    server_cpu_seconds: float
    share_of_core: float


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    dossiers: int
    rows: list[Row]


def make(client: Client, dossiers: int) -> None:
    """Make so many open dossiers, and return when ClickHouse has merged what it wants to merge."""
    now = datetime.now(UTC)
    received = Received(id="1", dossier="D", source="bench", occurred_at=now, agency="H26.1")
    term_set = TermSet(id="2", dossier="D", source="bench", occurred_at=now, term=now)
    registers = pack(merged((received, term_set))).hex()
    for first in range(0, dossiers, _AT_ONCE):
        count = min(_AT_ONCE, dossiers - first)
        named = {"dossiers": dossiers, "first": first, "count": count, "agencies": _AGENCIES, "registers": registers}
        client.execute(_MAKE.read_text().format(**named))
    while client.execute("SELECT count() FROM system.merges")[0][0]:
        time.sleep(1)


def scanned(clickhouse: ClickHouseConnection, profile: Profile, seq: int = 1) -> list[Alert]:
    """The alerts of a scan, as a worker raises them."""
    scanner = OverdueScanner(
        KafkaConnection("none:1"), clickhouse, profile, parse_levels(DEFAULT_LEVELS), built_in_ruling
    )
    return scanner.due(_PARTITIONS, datetime.now(UTC), seq)


def measured(client: Client, clickhouse: ClickHouseConnection, server: psutil.Process, rounds: int) -> list[Row]:
    """Ask everything so many times; the row has the median."""
    rows = [_row("the term that was sent, alone", server, partial(client.execute, _PLAIN), rounds)]
    for name, profile in _PROFILES.items():
        client.execute(f"TRUNCATE TABLE {ALERTS.name}")
        scan = partial(scanned, clickhouse, profile)
        rows.append(_row(f"{name}, at first", server, scan, rounds))
        seq = 1
        while found := scan(seq):
            insert(client, ALERTS, [structs.asdict(alert) | {"offset": alert.seq} for alert in found])
            seq += len(found)
        rows.append(structs.replace(_row(f"{name}, all of them stand", server, scan, rounds), alerts=seq - 1))
    return rows


def _row(look: str, server: psutil.Process, run: Callable[[], object], rounds: int) -> Row:
    taken = []
    for _ in range(rounds):
        before, began = server.cpu_times(), time.perf_counter()
        found = run()
        seconds, after = time.perf_counter() - began, server.cpu_times()
        cpu = after.user + after.system - before.user - before.system
        taken.append((seconds, cpu, len(found) if isinstance(found, list) else 0))
    seconds, cpu, alerts = sorted(taken)[rounds // 2]
    pause = max(SECONDS, 20 * seconds)
    return Row(look, alerts, round(seconds, 2), round(cpu, 2), round(cpu / (seconds + pause), 4))


@click.command()
@click.option("--dossiers", type=int, default=1_000_000, show_default=True, help="Open dossiers.")
@click.option("--rounds", type=int, default=3, show_default=True, help="How often each look is taken.")
@data_option("Where its own folder, bench-late-lookup, is made anew.")
@out_options("late_lookup")
def main(dossiers: int, rounds: int, data: Path, out: Path) -> None:
    """Look for late dossiers among open ones."""
    with embedded_store(data.absolute() / "bench-late-lookup") as store, connect(store.clickhouse) as client:
        make(client, dossiers)
        client.execute("SYSTEM STOP VIEWS")
        rows = measured(client, store.clickhouse, store.server, rounds)
    write_result(out, Result(this_machine(), command_of("bench.late_lookup"), dossiers, rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


if __name__ == "__main__":
    main()
